#include "interrupt.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static void test_interrupt_notes_a_signal(void **state)
{
    (void)state;
    interrupt_catch();
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(interrupt_signal(), SIGTERM);
    interrupt_release();
}

static void test_interrupt_forgets_when_it_catches_anew(void **state)
{
    (void)state;
    interrupt_catch();
    assert_int_equal(raise(SIGINT), 0);
    interrupt_catch();
    assert_int_equal(interrupt_signal(), 0);
    interrupt_release();
}

/* What the child does with the signals. */
enum { TWICE_AT_ONCE, UNTIL_IT_ENDS, TWICE_RELEASED };

static void raise_signals(int first, int second, int how)
{
    interrupt_catch();
    (void)raise(first);
    if (how == TWICE_RELEASED) {
        interrupt_release();
    }
    do {
        (void)raise(second);
    } while (how == UNTIL_IT_ENDS);
}

/* How a child ends that raises two signals and, if it still can, answers 7. */
static int status_after(int first, int second, int how)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        raise_signals(first, second, how);
        _exit(7);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void assert_exit(int status, int code)
{
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

static void test_interrupt_ends_at_once_on_a_later_sigint(void **state)
{
    (void)state;
    assert_exit(status_after(SIGINT, SIGINT, UNTIL_IT_ENDS), 130);
    assert_exit(status_after(SIGTERM, SIGINT, UNTIL_IT_ENDS), 130);
}

static void test_interrupt_ends_at_once_on_a_later_sigterm(void **state)
{
    (void)state;
    assert_exit(status_after(SIGTERM, SIGTERM, UNTIL_IT_ENDS), 143);
}

static void test_interrupt_takes_one_sent_twice_for_one(void **state)
{
    (void)state;
    assert_exit(status_after(SIGINT, SIGINT, TWICE_AT_ONCE), 7);
    assert_exit(status_after(SIGTERM, SIGTERM, TWICE_AT_ONCE), 7);
}

static void test_interrupt_keeps_the_first_signal(void **state)
{
    (void)state;
    interrupt_catch();
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(raise(SIGINT), 0);
    assert_int_equal(interrupt_signal(), SIGTERM);
    interrupt_release();
}

static void test_interrupt_released_lets_a_signal_kill(void **state)
{
    (void)state;
    int status = status_after(SIGINT, SIGINT, TWICE_RELEASED);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interrupt_notes_a_signal),
        cmocka_unit_test(test_interrupt_forgets_when_it_catches_anew),
        cmocka_unit_test(test_interrupt_ends_at_once_on_a_later_sigint),
        cmocka_unit_test(test_interrupt_ends_at_once_on_a_later_sigterm),
        cmocka_unit_test(test_interrupt_takes_one_sent_twice_for_one),
        cmocka_unit_test(test_interrupt_keeps_the_first_signal),
        cmocka_unit_test(test_interrupt_released_lets_a_signal_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
