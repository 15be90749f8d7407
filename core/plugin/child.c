#include "plugin/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "plugin/crash.h"

/* A child is a fork: it has the registry, and what is loaded, as the parent had them, and what it
 * loads or breaks ends with it. Its answer comes through a pipe of its own: a head with the
 * status, the message, then what was written. The pipe closes when the child ends, however it
 * does, so the parent waits for pipes and needs no signal for children, which belongs to the
 * program that Odeon may be part of. */

/* More children would slow each other down until healthy ones seem to hang. */
enum { MAX_SIDE_BY_SIDE = 8, MESSAGE_BYTES = 1024 };

/* What the child sends first; the message and what was written follow. */
typedef struct child_head {
    odeon_status status;
    uint32_t message_bytes;
} child_head;

/* ---- in the child ---- */

/* A pipe takes only so much at a time, and a signal may come in between. */
static void send_all(int fd, const void *data, size_t bytes)
{
    const char *at = data;
    while (bytes > 0) {
        ssize_t n = write(fd, at, bytes);
        if (n <= 0 && errno != EINTR) {
            return; /* the parent misses the end and says so */
        }
        at += n > 0 ? n : 0;
        bytes -= n > 0 ? (size_t)n : 0;
    }
}

/* Keeps what plugins print away from the parent's output, and crashes from leaving files behind. */
static void become_quiet(void)
{
    const struct rlimit no_core = {0, 0};
    crash_unwatch(); /* the parent says how it ended */
    (void)setrlimit(RLIMIT_CORE, &no_core);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) {
        (void)dup2(nowhere, STDOUT_FILENO);
    }
}

/* The answer is kept in memory until the work has ended, so that a crash half-way sends nothing
 * that looks like one. */
static void run_and_send(child_work work, void *context, int fd)
{
    become_quiet();
    diag_clear();
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL) {
        return;
    }
    child_head head = {.status = work(out, context)};
    if (fclose(out) != 0 && head.status == ODEON_OK) {
        head.status = diag_fail(ODEON_ERR_NOMEM, "no memory for what is to be written");
    }
    head.message_bytes = (uint32_t)strlen(diag_message());
    send_all(fd, &head, sizeof head);
    send_all(fd, diag_message(), head.message_bytes);
    send_all(fd, text, bytes);
}

/* ---- in the parent ---- */

/* A job under way. */
typedef struct child {
    child_job *job;
    pid_t process;
    int fd;      /* what it sends arrives here */
    bool closed; /* nothing more will; it need not have ended, though */
    double end;  /* of its time */
    text_buffer received;
} child;

/* The wall clock may be set while a child runs. */
static double now(void)
{
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fail(child_job *job, odeon_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Of the host's own failures and of children that cannot speak for themselves any more. */
static void fail(child_job *job, odeon_status status, const char *format, ...)
{
    char text[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    job->status = status;
    text_add(&job->message, text);
}

/* A child that is through sends its head before it ends: one that has not was ended by what it
 * ran. */
static void explain_end(child_job *job, int how)
{
    if (WIFSIGNALED(how)) {
        fail(job, ODEON_ERR_PLUGIN, "%s: it crashed with signal %d (%s)", job->what, WTERMSIG(how),
             strsignal(WTERMSIG(how)));
    } else {
        fail(job, ODEON_ERR_PLUGIN, "%s: it ended the program with exit code %d", job->what,
             WEXITSTATUS(how));
    }
}

/* Takes apart what the child sent. */
static void unpack(child_job *job, const text_buffer *received, int how)
{
    child_head head;
    if (received->failed) {
        fail(job, ODEON_ERR_NOMEM, "%s: no memory for what it says", job->what);
        return;
    }
    if (received->length < sizeof head) {
        explain_end(job, how);
        return;
    }
    memcpy(&head, received->data, sizeof head);
    const char *message = received->data + sizeof head;
    size_t rest = received->length - sizeof head;
    if (rest < head.message_bytes) {
        explain_end(job, how);
        return;
    }
    job->status = head.status;
    if (head.status != ODEON_OK) {
        text_add_bytes(&job->message, message, head.message_bytes);
        return;
    }
    text_add_bytes(&job->out, message + head.message_bytes, rest - head.message_bytes);
    if (job->out.failed) {
        fail(job, ODEON_ERR_NOMEM, "%s: no memory for what it says", job->what);
    }
}

/* Takes the answer of a child that has ended by itself. */
static void finish(child *c, int how)
{
    unpack(c->job, &c->received, how);
    (void)close(c->fd);
    text_fini(&c->received);
}

/* SIGKILL, since a plugin may ignore any other; the child is waited for, or it would stay as a
 * zombie. */
static void give_up(child *c, double seconds)
{
    int how = 0;
    (void)kill(c->process, SIGKILL);
    while (waitpid(c->process, &how, 0) < 0 && errno == EINTR) {
    }
    fail(c->job, ODEON_ERR_PLUGIN, "%s: it took longer than %g second%s", c->job->what, seconds,
         seconds == 1.0 ? "" : "s");
    (void)close(c->fd);
    text_fini(&c->received);
}

/* _exit leaves out what a build that counts coverage would write at the end of a process. */
#ifdef ODEON_COVERAGE
void __gcov_dump(void);
static void write_coverage(void)
{
    __gcov_dump();
}
#else
static void write_coverage(void)
{
}
#endif

/* Forks; false if that fails, and the job has its answer. */
/* Descriptors are closed on exec only: other children forked meanwhile hold ends of this pipe's
 * reading side, which delays nobody, but none of its writing side, which the parent closes at
 * once. */
static bool start(child *c, child_work work, child_job *job, double seconds)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        fail(job, ODEON_ERR_IO, "%s: no pipe: %s", job->what, strerror(errno));
        return false;
    }
    (void)fflush(NULL); /* what is buffered must not be written twice */
    pid_t process = fork();
    if (process == 0) {
        (void)close(ends[0]);
        run_and_send(work, job->context, ends[1]);
        write_coverage();
        _exit(0);
    }
    (void)close(ends[1]);
    if (process < 0) {
        fail(job, ODEON_ERR_IO, "%s: no process: %s", job->what, strerror(errno));
        (void)close(ends[0]);
        return false;
    }
    *c = (child){.job = job, .process = process, .fd = ends[0], .end = now() + seconds};
    return true;
}

/* Waits until one of the children has sent something, or may have ended, or has no time left. */
static void wait_for(size_t n, const child *children, struct pollfd *wanted)
{
    double end = children[0].end;
    bool ending = false;
    for (size_t i = 0; i < n; i++) {
        wanted[i].fd = children[i].closed ? -1 : children[i].fd; /* -1: not looked at */
        wanted[i].events = POLLIN;
        wanted[i].revents = 0;
        end = children[i].end < end ? children[i].end : end;
        ending = ending || children[i].closed;
    }
    double left = end - now();
    (void)poll(wanted, (nfds_t)n, left <= 0.0 ? 0 : ending ? 1 : (int)(1000.0 * left) + 1);
}

/* One read a round: a child that writes without end must not keep the others from being heard. */
static void receive(child *c)
{
    char piece[4096];
    ssize_t n = read(c->fd, piece, sizeof piece);
    if (n > 0) {
        text_add_bytes(&c->received, piece, (size_t)n);
    }
    c->closed = n == 0 || (n < 0 && errno != EINTR);
}

/* Hears the children once and lets go of those that are through; answers how many are left. */
static size_t attend(size_t n, child *children, double seconds)
{
    struct pollfd wanted[MAX_SIDE_BY_SIDE];
    wait_for(n, children, wanted);
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        child *c = &children[i];
        int how = 0;
        if (wanted[i].revents != 0) {
            receive(c);
        }
        if (c->closed && waitpid(c->process, &how, WNOHANG) == c->process) {
            finish(c, how);
        } else if (now() >= c->end) {
            give_up(c, seconds);
        } else {
            children[left++] = *c;
        }
    }
    return left;
}

void child_run_all(child_work work, size_t n, child_job *jobs, double seconds)
{
    child running[MAX_SIDE_BY_SIDE];
    size_t next = 0, active = 0;
    while (next < n || active > 0) {
        if (next < n && active < MAX_SIDE_BY_SIDE) {
            active += start(&running[active], work, &jobs[next], seconds);
            next++;
        } else {
            active = attend(active, running, seconds);
        }
    }
}

void child_job_fini(child_job *job)
{
    text_fini(&job->message);
    text_fini(&job->out);
}

odeon_status child_run(child_work work, void *context, double seconds, const char *what,
                       text_buffer *out)
{
    child_job job = {.what = what, .context = context};
    child_run_all(work, 1, &job, seconds);
    odeon_status status = job.status;
    if (status != ODEON_OK) {
        (void)diag_fail(status, "%s", job.message.data != NULL ? job.message.data : "");
    } else {
        text_add_bytes(out, job.out.data, job.out.length);
        status = out->failed ? diag_fail(ODEON_ERR_NOMEM, "%s: no memory for what it says", what)
                             : status;
    }
    child_job_fini(&job);
    return status;
}
