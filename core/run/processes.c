/* Between fork and exec only calls that are safe in a signal handler are made: the watcher of
 * interrupt.h is a thread of this process, which may hold any lock as it forks. So everything that
 * a child needs is made before. */
#include "run/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/read_file.h"
#include "run/interrupt.h"

enum { POLL_MS = 20, WAIT_SECONDS = 600, NOT_STARTED = 127 };

/* A place that one process has at a time, with its share of the processors. */
typedef struct slot {
    pid_t pid; /* 0: it is free */
    size_t job;
    cpu_set_t share;
    bool limited; /* the share is known */
    bool warned;  /* the process has been sent the signal */
} slot;

odeon_status process_own_program(char **out)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    *out = NULL;
    if (n < 0) {
        return diag_fail(ODEON_ERR_IO, "/proc/self/exe: %s", strerror(errno));
    }
    path[n] = '\0';
    *out = mem_strdup(path);
    return *out != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "processes: no memory");
}

/* ---- shares ---- */

/* Slot i of n has processors i c / n up to (i + 1) c / n of the c that there are; one at least, so
 * that several slots share one where there are fewer. */
static void share_out(size_t n, slot *slots)
{
    cpu_set_t all;
    if (sched_getaffinity(0, sizeof all, &all) != 0) {
        return;
    }
    size_t c = (size_t)CPU_COUNT(&all);
    for (size_t i = 0; i < n && n > 1; i++) {
        size_t first = i * c / n, end = (i + 1) * c / n, at = 0;
        end = end > first ? end : first + 1;
        CPU_ZERO(&slots[i].share);
        for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
            if (CPU_ISSET(cpu, &all)) {
                if (at >= first && at < end) {
                    CPU_SET(cpu, &slots[i].share);
                }
                at++;
            }
        }
        slots[i].limited = true;
    }
}

/* ---- one process ---- */

/* In the child. The caller's mask has the signals that its watcher takes; exec would keep it. */
static void become(const char *program, const process_job *job, const slot *place, int log,
                   pid_t parent)
{
    sigset_t none;
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
        _exit(NOT_STARTED); /* it has gone already */
    }
    if (place->limited) {
        (void)sched_setaffinity(0, sizeof place->share, &place->share);
    }
    int nothing = open("/dev/null", O_RDONLY);
    (void)dup2(nothing, STDIN_FILENO);
    (void)dup2(log, STDOUT_FILENO);
    (void)dup2(log, STDERR_FILENO);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    char *const *argv;
    memcpy(&argv, &job->argv, sizeof argv); /* execv takes it without const and only reads */
    (void)execv(program, argv);
    _exit(NOT_STARTED);
}

/* What is ignored, as SIGHUP under nohup, stays so. */
static void forget_handlers(void)
{
    static const int caught[] = {SIGHUP, SIGINT, SIGTERM};
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
        struct sigaction now;
        if (sigaction(caught[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN) {
            (void)signal(caught[i], SIG_DFL);
        }
    }
}

/* A log has what all processes of a run have said, one behind the other. */
static const char process_begins[] = "---- begins\n";

/* A signal before exec would run this process's handlers in the child, hence the mask. */
static odeon_status begin(const char *program, const process_job *job, slot *place)
{
    sigset_t all, before;
    int log = open(job->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (log < 0) {
        return diag_fail(ODEON_ERR_IO, "%s: %s", job->log, strerror(errno));
    }
    if (write(log, process_begins, strlen(process_begins)) < 0) {
        odeon_status status = diag_fail(ODEON_ERR_IO, "%s: %s", job->log, strerror(errno));
        (void)close(log);
        return status;
    }
    pid_t parent = getpid();
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        forget_handlers();
        become(program, job, place, log, parent);
    }
    int failed = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)close(log);
    if (pid < 0) {
        return diag_fail(ODEON_ERR_IO, "a process for a run: %s", strerror(failed));
    }
    (void)setpgid(pid, pid);
    place->pid = pid;
    place->warned = false;
    return ODEON_OK;
}

static int code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- all of them ---- */

typedef struct crew {
    const char *program;
    size_t n, next, n_slots;
    const process_job *jobs;
    slot *slots;
    const process_watcher *watcher;
} crew;

/* Fills free slots, unless it is time to stop. */
static odeon_status begin_more(crew *c)
{
    for (size_t i = 0; i < c->n_slots && c->next < c->n && interrupt_signal() == 0; i++) {
        if (c->slots[i].pid == 0) {
            ODEON_TRY(begin(c->program, &c->jobs[c->next], &c->slots[i]));
            c->slots[i].job = c->next++;
            c->watcher->begun(c->watcher->context, c->slots[i].job);
        }
    }
    return ODEON_OK;
}

/* Takes those that have ended; answers how many are left. */
static size_t collect(crew *c)
{
    size_t left = 0;
    for (size_t i = 0; i < c->n_slots; i++) {
        slot *x = &c->slots[i];
        int status;
        pid_t ended = x->pid != 0 ? waitpid(x->pid, &status, WNOHANG) : 0;
        if (ended > 0) {
            x->pid = 0;
            c->watcher->ended(c->watcher->context, x->job, code_of(status));
        }
        left += x->pid != 0;
    }
    return left;
}

/* Once each: a second signal would end a run before it has saved. */
static void pass_on(crew *c, int signal_number)
{
    for (size_t i = 0; i < c->n_slots; i++) {
        if (c->slots[i].pid != 0 && !c->slots[i].warned) {
            c->slots[i].warned = true;
            (void)kill(-c->slots[i].pid, signal_number);
        }
    }
}

static odeon_status run_all(crew *c)
{
    odeon_status status = ODEON_OK;
    for (;;) {
        int signal_number = interrupt_signal();
        if (status == ODEON_OK) {
            status = begin_more(c);
        }
        if (signal_number != 0 || status != ODEON_OK) {
            interrupt_allow(WAIT_SECONDS); /* a run may take its time to save */
            pass_on(c, signal_number != 0 ? signal_number : SIGTERM);
        }
        bool more = c->next < c->n && interrupt_signal() == 0 && status == ODEON_OK;
        if (collect(c) == 0 && !more) {
            break;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
    return status == ODEON_OK && interrupt_signal() != 0 ? ODEON_ERR_CANCELLED : status;
}

odeon_status processes_run(const char *program, size_t n, const process_job *jobs, size_t slots,
                           const process_watcher *watcher)
{
    crew c = {.program = program, .n = n, .n_slots = slots, .jobs = jobs, .watcher = watcher};
    c.slots = mem_zalloc(slots, sizeof *c.slots);
    if (c.slots == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "processes: no memory");
    }
    share_out(slots, c.slots);
    odeon_status status = run_all(&c);
    mem_free(c.slots);
    return status;
}

/* ---- logs ---- */

char *process_last_word(const char *log)
{
    static const char mark[] = "odeon: ", error[] = "error: ";
    char *text = NULL, *found = NULL;
    size_t bytes;
    if (read_file(log, &text, &bytes) != ODEON_OK) {
        diag_clear();
        return NULL;
    }
    for (char *line = text, *rest = text; rest != NULL && (line = strsep(&rest, "\n")) != NULL;) {
        if (strncmp(line, process_begins, strlen(process_begins) - 1) == 0) {
            found = NULL; /* what was said before is of an earlier try */
        }
        if (strncmp(line, mark, strlen(mark)) == 0 && strstr(line, "warning: ") == NULL) {
            found = line + strlen(mark);
        }
    }
    if (found != NULL && strncmp(found, error, strlen(error)) == 0) {
        found += strlen(error);
    }
    char *out = found != NULL ? mem_strdup(found) : NULL;
    mem_free(text);
    return out;
}
