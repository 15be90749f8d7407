#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "diag.h"

/* What the child sends first; the message and what was written follow. */
typedef struct child_head {
    odeon_status status;
    uint32_t message_bytes;
} child_head;

/* ---- in the child ---- */

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
    (void)setrlimit(RLIMIT_CORE, &no_core);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) {
        (void)dup2(nowhere, STDOUT_FILENO);
    }
}

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

static double now(void)
{
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Reads until the child closes its end or the time is over; false in the latter case. */
static bool receive(int fd, double seconds, text_buffer *received)
{
    double end = now() + seconds;
    char piece[4096];
    for (;;) {
        double left = end - now();
        struct pollfd wanted = {.fd = fd, .events = POLLIN};
        int ready = left > 0.0 ? poll(&wanted, 1, (int)(1000.0 * left) + 1) : 0;
        if (ready == 0) {
            return false;
        }
        ssize_t n = ready > 0 ? read(fd, piece, sizeof piece) : -1;
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return true;
        }
        if (n > 0) {
            text_add_bytes(received, piece, (size_t)n);
        }
    }
}

static odeon_status explain_end(int how, const char *what)
{
    if (WIFSIGNALED(how)) {
        return diag_fail(ODEON_ERR_PLUGIN, "%s: it crashed with signal %d (%s)", what,
                         WTERMSIG(how), strsignal(WTERMSIG(how)));
    }
    return diag_fail(ODEON_ERR_PLUGIN, "%s: it ended the program with exit code %d", what,
                     WEXITSTATUS(how));
}

/* Takes apart what the child sent. */
static odeon_status unpack(const text_buffer *received, int how, const char *what, text_buffer *out)
{
    child_head head;
    if (received->failed) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for what it says", what);
    }
    if (received->length < sizeof head) {
        return explain_end(how, what);
    }
    memcpy(&head, received->data, sizeof head);
    const char *message = received->data + sizeof head;
    if (received->length - sizeof head < head.message_bytes) {
        return explain_end(how, what);
    }
    if (head.status != ODEON_OK) {
        return diag_fail(head.status, "%.*s", (int)head.message_bytes, message);
    }
    text_add_bytes(out, message + head.message_bytes,
                   received->length - sizeof head - head.message_bytes);
    return out->failed ? diag_fail(ODEON_ERR_NOMEM, "%s: no memory for what it says", what)
                       : ODEON_OK;
}

static odeon_status attend(pid_t child, int fd, double seconds, const char *what, text_buffer *out)
{
    text_buffer received = {0};
    bool in_time = receive(fd, seconds, &received);
    if (!in_time) {
        (void)kill(child, SIGKILL);
    }
    int how = 0;
    while (waitpid(child, &how, 0) < 0 && errno == EINTR) {
    }
    odeon_status status =
        in_time ? unpack(&received, how, what, out)
                : diag_fail(ODEON_ERR_PLUGIN, "%s: it took longer than %g seconds", what, seconds);
    text_fini(&received);
    return status;
}

odeon_status child_run(child_work work, void *context, double seconds, const char *what,
                       text_buffer *out)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return diag_fail(ODEON_ERR_IO, "%s: no pipe: %s", what, strerror(errno));
    }
    (void)fflush(NULL); /* what is buffered must not be written twice */
    pid_t child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        run_and_send(work, context, ends[1]);
        _exit(0);
    }
    (void)close(ends[1]);
    odeon_status status =
        child > 0 ? attend(child, ends[0], seconds, what, out)
                  : diag_fail(ODEON_ERR_IO, "%s: no process: %s", what, strerror(errno));
    (void)close(ends[0]);
    return status;
}
