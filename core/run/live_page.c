/* A view runs on the main thread and may take its time; a process of its own keeps it away from
 * training, and from whatever a view may do wrong. It is made by posix_spawn, which copies nothing
 * of this process: a fork would make training pay for each page that it writes to afterwards. */
#include "run/live_page.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/text.h"
#include "odeon/host.h"
#include "run/processes.h"

extern char **environ;

enum { LOWEST_PRIORITY = 19, POLL_MS = 5 };

struct live_page {
    const char *folder;
    char *program;
    size_t n_paths;
    const char *const *paths;
    pid_t pid; /* 0: nothing is being drawn */
    bool wants_last, warned;
};

odeon_status live_page_create(const char *folder, size_t n_paths, const char *const *paths,
                              live_page **out)
{
    live_page *p = *out = folder != NULL ? mem_zalloc(1, sizeof *p) : NULL;
    if (p == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "page: no memory");
    }
    *p = (live_page){.folder = folder, .n_paths = n_paths, .paths = paths};
    odeon_status status = process_own_program(&p->program);
    if (status != ODEON_OK) {
        live_page_destroy(p);
        *out = NULL;
    }
    return status;
}

/* The run goes on without it, whatever it is. */
static void warn(live_page *p, const char *why)
{
    if (!p->warned) {
        diag_log(ODEON_LOG_WARNING, "the page of the run could not be drawn (%s): odeon report %s",
                 why, p->folder);
    }
    p->warned = true;
}

/* How a process ended; false: with an error. */
static bool judge(live_page *p, int status)
{
    char why[64];
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
        (void)snprintf(why, sizeof why, "exit code %d", WEXITSTATUS(status));
        warn(p, why);
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(why, sizeof why, "signal %d", WTERMSIG(status));
        warn(p, why);
    }
    return status == 0;
}

/* Is it still being drawn? */
static bool is_busy(live_page *p, int flags, int *status)
{
    *status = 0;
    if (p->pid == 0) {
        return false;
    }
    pid_t ended = waitpid(p->pid, status, flags);
    while (ended < 0 && errno == EINTR) {
        ended = waitpid(p->pid, status, flags);
    }
    p->pid = ended == 0 ? p->pid : 0;
    return ended == 0;
}

/* What is still being drawn is of before the end, or takes too long. */
static void stop(live_page *p)
{
    int status;
    if (p->pid != 0) {
        (void)kill(p->pid, SIGKILL);
        (void)is_busy(p, 0, &status);
    }
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the process ---- */

/* The program, the paths with their options, report, the folder, and an option with its value. */
enum { OTHER_WORDS = 6 };

static const char **make_words(const live_page *p, const char *refresh)
{
    size_t n = 0;
    const char **words = mem_zalloc(2 * p->n_paths + OTHER_WORDS, sizeof *words);
    if (words == NULL) {
        return NULL;
    }
    words[n++] = p->program;
    for (size_t i = 0; i < p->n_paths; i++) {
        words[n++] = "--plugin-path";
        words[n++] = p->paths[i];
    }
    words[n++] = "report";
    words[n++] = p->folder;
    if (refresh != NULL) {
        words[n++] = "--refresh";
        words[n] = refresh;
    }
    return words;
}

/* Signals are as a new program expects them: this one's threads block some, and catch others. */
static int set_signals(posix_spawnattr_t *attributes)
{
    sigset_t none, caught;
    (void)sigemptyset(&none);
    (void)sigemptyset(&caught);
    (void)sigaddset(&caught, SIGINT);
    (void)sigaddset(&caught, SIGTERM);
    int error = posix_spawnattr_setsigmask(attributes, &none);
    error = error != 0 ? error : posix_spawnattr_setsigdefault(attributes, &caught);
    return error != 0 ? error
                      : posix_spawnattr_setflags(attributes,
                                                 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int set_streams(posix_spawn_file_actions_t *actions)
{
    int error = 0;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && error == 0; fd++) {
        error = posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
    }
    return error;
}

/* Its answer is an errno. */
static int spawn(live_page *p, const char **words)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    char *const *argv;
    memcpy(&argv, &words, sizeof argv); /* it is taken without const and only read */
    int error = posix_spawnattr_init(&attributes);
    if (error != 0) {
        return error;
    }
    error = posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        error = set_signals(&attributes);
        error = error != 0 ? error : set_streams(&actions);
        error = error != 0 ? error
                           : posix_spawn(&p->pid, p->program, &actions, &attributes, argv, environ);
        p->pid = error != 0 ? 0 : p->pid;
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    (void)posix_spawnattr_destroy(&attributes);
    return error;
}

/* refresh NULL: with all that the model computes. */
static bool begin(live_page *p, const char *refresh)
{
    const char **words = make_words(p, refresh);
    int error = words != NULL ? spawn(p, words) : ENOMEM;
    if (error != 0) {
        warn(p, strerror(error));
    }
    mem_free(words);
    return error == 0;
}

void live_page_draw(live_page *p, double refresh_seconds)
{
    int status;
    text_buffer refresh = {0};
    if (is_busy(p, WNOHANG, &status)) {
        return;
    }
    (void)judge(p, status);
    text_number(&refresh, refresh_seconds);
    if (!refresh.failed) {
        (void)begin(p, refresh.data);
    }
    if (p->pid != 0) { /* training comes first */
        (void)setpriority(PRIO_PROCESS, (id_t)p->pid, LOWEST_PRIORITY);
    }
    text_fini(&refresh);
}

/* ---- the end ---- */

void live_page_want_last(live_page *p)
{
    p->wants_last = true;
}

/* Draws it now; *late: it was not done in time, and was ended. */
static bool draw_in_time(live_page *p, const char *refresh, double seconds, bool *late)
{
    int status;
    double end = now() + seconds;
    *late = false;
    if (!begin(p, refresh)) {
        return false;
    }
    while (is_busy(p, WNOHANG, &status)) {
        if (now() >= end) {
            stop(p);
            *late = true;
            return false;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
    return judge(p, status);
}

/* Whatever the drawing waits for, a file system that is gone or a pipe in the page's place, the run
 * ends. */
void live_page_draw_last(live_page *p, bool whole, double seconds, bool *drawn)
{
    static const char files_alone[] = "0";
    char why[128];
    bool late;
    *drawn = false;
    if (!p->wants_last) {
        return;
    }
    stop(p);
    p->warned = false;
    *drawn = draw_in_time(p, whole ? NULL : files_alone, seconds, &late);
    if (late) {
        *drawn = whole && draw_in_time(p, files_alone, seconds, &late);
        (void)snprintf(why, sizeof why, "not done after %g s%s", seconds,
                       *drawn ? "; it is there without what the model computes" : "");
        warn(p, why);
    }
}

void live_page_destroy(live_page *p)
{
    if (p != NULL) {
        stop(p);
        mem_free(p->program);
        mem_free(p);
    }
}
