#include "small_command.h"

#include <sys/wait.h>

#define INSPECT(words, status, message)                                                            \
    small_command_expect(&command_inspect, "inspect" words, status, message)

static void assert_shows(const char *words, const char *part)
{
    small_command x;
    support_require(small_command_run(&command_inspect, words, &x), words);
    if (strstr(x.out, part) == NULL) {
        fail_msg("%s: '%s' is not in '%s'", words, part, x.out);
    }
    small_command_close(&x);
}

static void test_words_choose_what_is_shown(void **state)
{
    (void)state;
    small_command_check(&command_inspect, "inspect");
    assert_shows("inspect integrator rk4", "integrator = rk4: ");
    assert_shows("inspect integrator rk4 --json", "{\"kind\": \"integrator\"");
    assert_shows("inspect run", "[run]: keys of the host");
    assert_shows("inspect run --json", "{\"section\": \"run\"");
    assert_shows("inspect device auto", "device = auto: the usable device of highest rank");
}

static void test_exists_says_nothing(void **state)
{
    (void)state;
    small_command x;
    support_require(small_command_run(&command_inspect, "inspect layer dense --exists", &x), "yes");
    assert_string_equal(x.out, "");
    small_command_close(&x);
    INSPECT(" layer nothing --exists", ODEON_ERR_PLUGIN, "");
}

static void test_words_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    INSPECT("", ODEON_ERR_CONFIG, "usage: odeon inspect KIND ID | SECTION | --reference");
    INSPECT(" --reference run", ODEON_ERR_CONFIG, "inspect: --reference takes no other argument");
    INSPECT(" --reference --json", ODEON_ERR_CONFIG, "--reference takes no other argument");
    INSPECT(" layer --exists", ODEON_ERR_CONFIG, "usage: odeon inspect KIND ID --exists");
    INSPECT(" layer dense --exists --json", ODEON_ERR_CONFIG, "usage: odeon inspect KIND ID");
    INSPECT(" lamp dense", ODEON_ERR_CONFIG,
            "inspect: 'lamp' is no kind; kinds are device, dataset, layer, integrator, gradient, "
            "optimizer, loss, schedule, observer and view");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_choose_what_is_shown),
        cmocka_unit_test(test_exists_says_nothing),
        cmocka_unit_test(test_words_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests_name("inspect", tests, NULL, NULL);
}
