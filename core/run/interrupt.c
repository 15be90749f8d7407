/* Signals as wishes. A handler does no more than note the first one and wake a thread; the run
 * looks for it between two batches and then saves and ends by itself. The thread exists for the
 * case that this moment does not come, since a batch hangs or takes too long: it ends the process
 * with a line that says what is kept.
 *
 * Everything that the handler and the thread touch is atomic or written before they exist. [main]
 * calls of this file are made by one thread, and only one run is watched over at a time. */
#include "run/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"

/* `timeout` and batch systems may send one wish twice, to the process and to its group. Nobody
 * presses a key twice as fast. When a connection is lost, the system and the shell both tell. */
enum { ONE_WISH_MS = 100, ONE_HANG_UP_MS = 1000 };
enum { TEXT_BYTES = 1024, STACK_BYTES = 256 * 1024 };

static const struct {
    int number;
    const char *name;
} kinds[] = {{SIGHUP, "SIGHUP"}, {SIGINT, "SIGINT"}, {SIGTERM, "SIGTERM"}};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

/* A handler can reach nothing but static storage; several threads may be in it at once. */
static atomic_int noted;
static atomic_llong noted_at_ms, allowed_until_ms;
static atomic_flag ending = ATOMIC_FLAG_INIT;

/* A text is replaced by writing the other one, so that a handler always finds a whole one. */
static char texts[2][TEXT_BYTES];
static atomic_int text_in_use;
static bool on_terminal; /* standard error is one */

/* Of the thread that watches. The pipe wakes it; it is made once and stays, since a handler may
 * still write to it while the signals are given back. */
static int bell[2] = {-1, -1};
static atomic_bool stopping;
static bool caught;
static pthread_t watcher;
static sigset_t mask_before;
static struct sigaction actions_before[N_KINDS];

/* By a clock that nobody sets; clock_gettime is safe in a handler. */
static long long now_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *interrupt_name(int signal_number)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        if (kinds[i].number == signal_number) {
            return kinds[i].name;
        }
    }
    return "a signal";
}

/* ---- the end; of what follows all is safe in a handler ---- */

/* snprintf is not safe in a handler. */
static void add(char *line, size_t size, size_t *n, const char *text)
{
    size_t bytes = strlen(text);
    bytes = bytes < size - *n ? bytes : size - *n;
    memcpy(line + *n, text, bytes);
    *n += bytes;
}

/* Comes back only where another thread, or what this handler interrupts, is ending the process. A
 * terminal that is stopped, or a pipe that nobody empties, must not keep it: the line is left out
 * where it cannot be written at once. */
static void end(int signal_number, const char *before, const char *after)
{
    char line[TEXT_BYTES + 256];
    const char *text = texts[atomic_load(&text_in_use)];
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    size_t n = 0, size = sizeof line - 1; /* the line break has its place */
    if (atomic_flag_test_and_set(&ending)) {
        return;
    }
    add(line, size, &n, on_terminal ? "\n" : ""); /* below a line of progress */
    add(line, size, &n, "odeon: ended by ");
    add(line, size, &n, before);
    add(line, size, &n, interrupt_name(signal_number));
    add(line, size, &n, after);
    add(line, size, &n, text[0] != '\0' ? "; " : "");
    add(line, size, &n, text);
    line[n++] = '\n';
    if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0) {
        (void)!write(STDERR_FILENO, line, n);
    }
    _exit(128 + signal_number);
}

/* write is safe in a handler, and the pipe does not block. */
static void ring(void)
{
    (void)!write(bell[1], "", 1); /* a full pipe wakes as well */
}

/* In the handler. The time is stored before the signal's number, so that whoever sees the number
 * finds a time. */
static void note(int signal_number)
{
    int none = 0;
    long long now = now_ms(), one_wish = signal_number == SIGHUP ? ONE_HANG_UP_MS : ONE_WISH_MS;
    if (atomic_load(&noted) == 0) {
        atomic_store(&noted_at_ms, now);
    }
    if (!atomic_compare_exchange_strong(&noted, &none, signal_number) &&
        now - atomic_load(&noted_at_ms) >= one_wish) {
        end(signal_number, "a second ", "");
    }
    ring();
}

/* ---- the watch ---- */

/* The later of the usual one and what a file being written was allowed. */
static long long deadline_ms(void)
{
    long long usual = atomic_load(&noted_at_ms) + 1000LL * INTERRUPT_SECONDS;
    long long allowed = atomic_load(&allowed_until_ms);
    return allowed > usual ? allowed : usual;
}

/* A thread, since a handler alone would not run where the main thread hangs within the kernel. */
static void *watch(void *nothing)
{
    enum { LONGEST_MS = 60000 };
    struct pollfd woken = {.fd = bell[0], .events = POLLIN};
    while (!atomic_load(&stopping)) {
        int signal_number = atomic_load(&noted);
        long long left = signal_number != 0 ? deadline_ms() - now_ms() : -1;
        if (signal_number != 0 && left <= 0) {
            end(signal_number, "", ": what was under way took too long");
            (void)poll(NULL, 0, -1);
        }
        char rung[64];
        if (poll(&woken, 1, (int)(left > LONGEST_MS ? LONGEST_MS : left)) > 0) {
            (void)!read(bell[0], rung, sizeof rung);
        }
    }
    return nothing;
}

/* Without blocking, so that a handler never waits for the watcher; not passed on to programs that
 * are started. */
static odeon_status make_bell(void)
{
    if (bell[0] >= 0) {
        return ODEON_OK;
    }
    if (pipe(bell) != 0) {
        bell[0] = bell[1] = -1;
        return diag_fail(ODEON_ERR_NOMEM, "signals: no pipe is left to watch over them");
    }
    for (int i = 0; i < 2; i++) {
        (void)fcntl(bell[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(bell[i], F_SETFL, O_NONBLOCK);
    }
    return ODEON_OK;
}

/* With the three signals as the only ones that it takes. */
static odeon_status start_watcher(void)
{
    pthread_attr_t attributes;
    sigset_t others;
    (void)sigfillset(&others);
    for (size_t i = 0; i < N_KINDS; i++) {
        (void)sigdelset(&others, kinds[i].number);
    }
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    (void)pthread_sigmask(SIG_SETMASK, &others, &mask_before);
    int error = pthread_create(&watcher, &attributes, watch, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &mask_before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return error == 0 ? ODEON_OK
                      : diag_fail(ODEON_ERR_NOMEM, "signals: no thread to watch over them: %s",
                                  strerror(error));
}

/* SA_RESTART: system calls of the run go on after the signal was noted, so that none of them has to
 * know of it. */
static void set_actions(void)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < N_KINDS; i++) {
        (void)sigaction(kinds[i].number, NULL, &actions_before[i]);
        if (kinds[i].number != SIGHUP || actions_before[i].sa_handler != SIG_IGN) {
            (void)sigaction(kinds[i].number, &action, NULL);
        }
    }
}

static void restore_actions(void)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        (void)sigaction(kinds[i].number, &actions_before[i], NULL);
    }
}

static void block_signals(void)
{
    sigset_t ours;
    (void)sigemptyset(&ours);
    for (size_t i = 0; i < N_KINDS; i++) {
        (void)sigaddset(&ours, kinds[i].number);
    }
    (void)pthread_sigmask(SIG_BLOCK, &ours, NULL);
}

odeon_status interrupt_catch(void)
{
    atomic_store(&noted, 0);
    if (caught) {
        return ODEON_OK;
    }
    atomic_store(&allowed_until_ms, 0);
    atomic_store(&stopping, false);
    on_terminal = isatty(STDERR_FILENO) != 0;
    interrupt_set_advice("");
    ODEON_TRY(make_bell());
    set_actions(); /* before the thread, which would be killed by a signal */
    odeon_status status = start_watcher();
    if (status != ODEON_OK) {
        restore_actions();
        return status;
    }
    block_signals();
    caught = true;
    return ODEON_OK;
}

void interrupt_allow(double seconds)
{
    atomic_store(&allowed_until_ms, now_ms() + (long long)(1e3 * seconds));
}

void interrupt_set_advice(const char *text)
{
    int other = 1 - atomic_load(&text_in_use);
    size_t n = strnlen(text, TEXT_BYTES - 1);
    memcpy(texts[other], text, n);
    texts[other][n] = '\0';
    atomic_store(&text_in_use, other);
}

/* One that was sent already is still this file's: the watcher gets the time to take it. */
static void await_pending(void)
{
    enum { TRIES = 1000 };
    for (int i = 0; i < TRIES; i++) {
        sigset_t pending;
        bool any = false;
        (void)sigpending(&pending);
        for (size_t k = 0; k < N_KINDS; k++) {
            any |= sigismember(&pending, kinds[k].number) == 1;
        }
        if (!any) {
            return;
        }
        (void)poll(NULL, 0, 1);
    }
}

void interrupt_release(void)
{
    if (!caught) {
        return;
    }
    await_pending();
    restore_actions();
    atomic_store(&stopping, true);
    ring();
    (void)pthread_join(watcher, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &mask_before, NULL);
    atomic_store(&noted, 0);
    caught = false;
}

int interrupt_signal(void)
{
    return atomic_load(&noted);
}
