#include "run/interrupt.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "support.h"

/* How many times faster than in the world time passes for interrupt.c and for clock_seconds, here
 * and in children: the linker puts these two in place of the system's. So what takes seconds is
 * looked at in tenths of them; the true five seconds are looked at by tests of the program. */
static int faster = 1;

int __real_clock_gettime(clockid_t id, struct timespec *now);
int __wrap_clock_gettime(clockid_t id, struct timespec *now);
int __real_poll(struct pollfd *files, nfds_t n, int timeout_ms);
int __wrap_poll(struct pollfd *files, nfds_t n, int timeout_ms);

int __wrap_clock_gettime(clockid_t id, struct timespec *now)
{
    int answer = __real_clock_gettime(id, now);
    long long ns = ((long long)now->tv_sec * 1000000000 + now->tv_nsec) * faster;
    *now = (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    return answer;
}

/* A wait that has an end is rounded up, so that it does not become a look without waiting. */
int __wrap_poll(struct pollfd *files, nfds_t n, int timeout_ms)
{
    return __real_poll(files, n, timeout_ms > 0 ? (timeout_ms + faster - 1) / faster : timeout_ms);
}

/* Sends this process a signal, which the thread that watches takes. */
static void send(int signal_number)
{
    assert_int_equal(kill(getpid(), signal_number), 0);
}

static void await_note(void)
{
    while (interrupt_signal() == 0) {
        (void)sched_yield();
    }
}

static void test_interrupt_notes_a_signal(void **state)
{
    (void)state;
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_int_equal(interrupt_catch(), ODEON_OK);
        send(numbers[i]);
        await_note();
        assert_int_equal(interrupt_signal(), numbers[i]);
        interrupt_release();
        assert_int_equal(interrupt_signal(), 0);
    }
}

static void test_interrupt_forgets_when_it_catches_anew(void **state)
{
    (void)state;
    assert_int_equal(interrupt_catch(), ODEON_OK);
    send(SIGINT);
    await_note();
    assert_int_equal(interrupt_catch(), ODEON_OK);
    assert_int_equal(interrupt_signal(), 0);
    interrupt_release();
}

static void test_interrupt_keeps_the_first_signal(void **state)
{
    (void)state;
    assert_int_equal(interrupt_catch(), ODEON_OK);
    send(SIGTERM);
    await_note();
    send(SIGINT);
    assert_int_equal(interrupt_signal(), SIGTERM);
    interrupt_release();
}

static void test_interrupt_knows_the_names(void **state)
{
    (void)state;
    assert_string_equal(interrupt_name(SIGHUP), "SIGHUP");
    assert_string_equal(interrupt_name(SIGTERM), "SIGTERM");
    assert_string_equal(interrupt_name(SIGUSR1), "a signal");
}

/* ---- what ends a process ---- */

static void do_nothing(int signal_number)
{
    (void)signal_number;
}

/* What a child does that gets two signals; it answers 7 if it comes to its end. */
enum {
    TWICE_AT_ONCE,
    UNTIL_IT_ENDS,
    RELEASED_BEFORE,  /* the second */
    SPINS,            /* after the first, for ever */
    SPINS_BLOCKED,    /* with every signal blocked */
    SPINS_ALLOWED,    /* having been allowed seven seconds */
    WAITS_IGNORING,   /* SIGHUP ignored from the start: nothing is noted */
    HANDLES_IT_AGAIN, /* has an action of its own before and after */
};

static void block_all(void)
{
    sigset_t all;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, NULL);
}

/* For ever. All that spin share one processor, where it is ours to use, at the lowest priority:
 * this thread is busy without end as before, and other tests have the time. */
static void spin(void)
{
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    (void)sched_setaffinity(0, sizeof first, &first);
    (void)!nice(19);
    for (;;) {
    }
}

static void repeat(int signal_number)
{
    for (;;) {
        (void)kill(getpid(), signal_number);
        (void)sched_yield();
    }
}

static void act(int first, int second, int how)
{
    if (how == WAITS_IGNORING || how == HANDLES_IT_AGAIN) {
        (void)signal(first, how == WAITS_IGNORING ? SIG_IGN : do_nothing);
    }
    (void)interrupt_catch();
    interrupt_set_advice("kept: all");
    if (how == SPINS_BLOCKED) {
        block_all();
    }
    (void)kill(getpid(), first);
    if (how == WAITS_IGNORING) {
        _exit(interrupt_signal() == 0 ? 7 : 8);
    }
    while (interrupt_signal() == 0) {
        (void)sched_yield();
    }
    if (how == SPINS_ALLOWED) {
        interrupt_allow(7.0);
    }
    if (how == SPINS || how == SPINS_BLOCKED || how == SPINS_ALLOWED) {
        spin();
    }
    if (how == RELEASED_BEFORE || how == HANDLES_IT_AGAIN) {
        interrupt_release();
    }
    if (how == UNTIL_IT_ENDS) {
        repeat(second);
    }
    (void)kill(getpid(), second);
}

typedef struct child {
    pid_t id;
    int err; /* its stderr */
    double began;
} child;

static child start(int first, int second, int how)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    child c = {.began = clock_seconds(), .id = fork()};
    assert_true(c.id >= 0);
    if (c.id == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        act(first, second, how);
        _exit(7);
    }
    (void)close(ends[1]);
    c.err = ends[0];
    return c;
}

/* How it ends; text becomes its stderr, seconds how long it took. */
static int status_of(child c, char *text, size_t size, double *seconds)
{
    int status = 0;
    assert_int_equal(waitpid(c.id, &status, 0), c.id);
    *seconds = clock_seconds() - c.began;
    ssize_t n = read(c.err, text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    (void)close(c.err);
    return status;
}

static int status_after(int first, int second, int how)
{
    char text[256];
    double seconds;
    return status_of(start(first, second, how), text, sizeof text, &seconds);
}

static void assert_exit(int status, int code)
{
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

static void test_interrupt_ends_at_once_on_a_later_signal(void **state)
{
    (void)state;
    assert_exit(status_after(SIGINT, SIGINT, UNTIL_IT_ENDS), 130);
    assert_exit(status_after(SIGTERM, SIGINT, UNTIL_IT_ENDS), 130);
    assert_exit(status_after(SIGTERM, SIGTERM, UNTIL_IT_ENDS), 143);
    assert_exit(status_after(SIGINT, SIGHUP, UNTIL_IT_ENDS), 129);
}

static void test_interrupt_says_what_is_kept_when_it_ends_at_once(void **state)
{
    (void)state;
    char text[256];
    double seconds;
    (void)status_of(start(SIGTERM, SIGINT, UNTIL_IT_ENDS), text, sizeof text, &seconds);
    assert_string_equal(text, "odeon: ended by a second SIGINT; kept: all\n");
}

static void test_interrupt_takes_one_sent_twice_for_one(void **state)
{
    (void)state;
    assert_exit(status_after(SIGINT, SIGINT, TWICE_AT_ONCE), 7);
    assert_exit(status_after(SIGTERM, SIGTERM, TWICE_AT_ONCE), 7);
}

/* Terminal and shell may tell of a lost connection some time apart. */
static void test_interrupt_takes_hang_ups_within_a_second_for_one(void **state)
{
    (void)state;
    char text[256];
    double seconds;
    faster = 10;
    assert_exit(status_of(start(SIGHUP, SIGHUP, UNTIL_IT_ENDS), text, sizeof text, &seconds), 129);
    assert_true(seconds >= 0.9);
    faster = 1;
}

static void test_interrupt_leaves_an_ignored_hang_up_ignored(void **state)
{
    (void)state;
    assert_exit(status_after(SIGHUP, SIGHUP, WAITS_IGNORING), 7);
}

static void test_interrupt_released_lets_a_signal_kill(void **state)
{
    (void)state;
    int status = status_after(SIGINT, SIGINT, RELEASED_BEFORE);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
}

static void test_interrupt_released_gives_actions_back(void **state)
{
    (void)state;
    assert_exit(status_after(SIGTERM, SIGTERM, HANDLES_IT_AGAIN), 7);
}

/* Side by side, as each takes the five seconds. */
static void test_interrupt_ends_after_five_seconds_whatever_is_under_way(void **state)
{
    (void)state;
    static const struct {
        int signal_number, how, code;
        double least;
    } cases[] = {{SIGINT, SPINS, 130, 5.0},
                 {SIGHUP, SPINS, 129, 5.0},
                 {SIGTERM, SPINS_BLOCKED, 143, 5.0},
                 {SIGTERM, SPINS_ALLOWED, 143, 7.0}};
    enum { N = sizeof cases / sizeof cases[0] };
    child children[N];
    faster = 10;
    for (size_t i = 0; i < N; i++) {
        children[i] = start(cases[i].signal_number, 0, cases[i].how);
    }
    for (size_t i = 0; i < N; i++) {
        char text[256];
        double seconds;
        assert_exit(status_of(children[i], text, sizeof text, &seconds), cases[i].code);
        assert_true(seconds >= cases[i].least - 0.01);
        assert_non_null(strstr(text, ": what was under way took too long; kept: all\n"));
    }
    faster = 1;
}

/* Whoever runs the tests under nohup would have this one's hang-ups ignored. */
static int heed_hang_ups(void **state)
{
    (void)state;
    return signal(SIGHUP, SIG_DFL) == SIG_ERR;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interrupt_notes_a_signal),
        cmocka_unit_test(test_interrupt_forgets_when_it_catches_anew),
        cmocka_unit_test(test_interrupt_keeps_the_first_signal),
        cmocka_unit_test(test_interrupt_knows_the_names),
        cmocka_unit_test(test_interrupt_ends_at_once_on_a_later_signal),
        cmocka_unit_test(test_interrupt_says_what_is_kept_when_it_ends_at_once),
        cmocka_unit_test(test_interrupt_takes_one_sent_twice_for_one),
        cmocka_unit_test(test_interrupt_takes_hang_ups_within_a_second_for_one),
        cmocka_unit_test(test_interrupt_leaves_an_ignored_hang_up_ignored),
        cmocka_unit_test(test_interrupt_released_lets_a_signal_kill),
        cmocka_unit_test(test_interrupt_released_gives_actions_back),
        cmocka_unit_test(test_interrupt_ends_after_five_seconds_whatever_is_under_way),
    };
    return cmocka_run_group_tests(tests, heed_hang_ups, NULL);
}
