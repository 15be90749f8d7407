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

/* How a child ends that raises two signals and, if it still can, answers 7. */
static int status_after(int first, int second, int release)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        interrupt_catch();
        (void)raise(first);
        if (release) {
            interrupt_release();
        }
        (void)raise(second);
        _exit(7);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_interrupt_ends_at_once_on_a_second_sigint(void **state)
{
    (void)state;
    int status = status_after(SIGINT, SIGINT, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 130);
}

static void test_interrupt_goes_on_after_a_second_sigterm(void **state)
{
    (void)state;
    int status = status_after(SIGTERM, SIGTERM, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void test_interrupt_released_lets_a_signal_kill(void **state)
{
    (void)state;
    int status = status_after(SIGINT, SIGINT, 1);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interrupt_notes_a_signal),
        cmocka_unit_test(test_interrupt_forgets_when_it_catches_anew),
        cmocka_unit_test(test_interrupt_ends_at_once_on_a_second_sigint),
        cmocka_unit_test(test_interrupt_goes_on_after_a_second_sigterm),
        cmocka_unit_test(test_interrupt_released_lets_a_signal_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
