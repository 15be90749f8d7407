#include <fenv.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

#include "captured.h"
#include "plugin/process_state.h"

/* Runs change between saving and restoring; c holds what was said of it. */
static void disturb(void (*change)(void), captured *c)
{
    process_state before;
    process_state_save(&before);
    change();
    captured_start(c);
    process_state_restore(&before, "/some/a.so");
    captured_stop(c);
}

static void nothing(void)
{
}

static void round_up(void)
{
    (void)fesetround(FE_UPWARD);
}

static void leave(void)
{
    assert_int_equal(chdir("/"), 0);
}

static void ignore_pipes(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
}

static void other_locale(void)
{
    assert_non_null(setlocale(LC_NUMERIC, "C.UTF-8"));
}

static void assert_said(const captured *c, const char *what)
{
    if (strstr(c->text, "/some/a.so: loading it changed ") == NULL ||
        strstr(c->text, what) == NULL) {
        fail_msg("'%s' does not stand in '%s'", what, c->text);
    }
}

static void test_who_changes_nothing_is_not_talked_of(void **state)
{
    (void)state;
    captured c;
    disturb(nothing, &c);
    assert_string_equal(c.text, "");
}

static void test_rounding_is_as_before(void **state)
{
    (void)state;
    captured c;
    disturb(round_up, &c);
    assert_said(&c, "how floating point works");
    assert_int_equal(fegetround(), FE_TONEAREST);
}

static void test_working_directory_is_as_before(void **state)
{
    (void)state;
    captured c;
    char *before = getcwd(NULL, 0);
    disturb(leave, &c);
    char *after = getcwd(NULL, 0);
    assert_said(&c, "the working directory");
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void test_signals_are_as_before(void **state)
{
    (void)state;
    captured c;
    struct sigaction now;
    disturb(ignore_pipes, &c);
    assert_said(&c, "what signals do");
    assert_int_equal(sigaction(SIGPIPE, NULL, &now), 0);
    assert_true(now.sa_handler == SIG_DFL);
}

static void test_locale_is_as_before(void **state)
{
    (void)state;
    captured c;
    assert_non_null(setlocale(LC_ALL, "C"));
    disturb(other_locale, &c);
    assert_said(&c, "the locale");
    assert_string_equal(setlocale(LC_ALL, NULL), "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_changes_nothing_is_not_talked_of),
        cmocka_unit_test(test_rounding_is_as_before),
        cmocka_unit_test(test_working_directory_is_as_before),
        cmocka_unit_test(test_signals_are_as_before),
        cmocka_unit_test(test_locale_is_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
