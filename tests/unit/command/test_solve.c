#include "small_command.h"

/* y' = y with two steps of Euler from 1: 1, 1.5^2. */
#define ALONE                                                                                      \
    "[run]\nworkers = 1\ndtype = float64\n"                                                        \
    "[model.ode]\nlayer = ode(steps=2, initial=1)\nintegrator = euler\ngradient = direct\n"        \
    "[model.ode.f]\nlayer = formula(equations=a' = a)\n"

static void test_an_ode_alone_is_solved_to_a_file(void **state)
{
    (void)state;
    small_command x;
    small_command_check(&command_solve, "solve");
    small_command_put("alone.ini", ALONE);
    support_require(small_command_run(&command_solve, "solve alone.ini --out s.csv", &x), "solve");
    assert_string_equal(x.out, "ode: evaluations 2, steps 2 accepted 0 rejected\n");
    small_command_close(&x);
    run_fixture_assert_contents("s.csv", "sample,t,y0\n0,1,2.25\n");
}

static void test_a_split_is_solved_from_its_samples(void **state)
{
    (void)state;
    small_command x;
    small_command_put("small.ini", SMALL_INI);
    support_require(
        small_command_run(&command_solve, "solve small.ini --split test --out s.csv", &x), "solve");
    small_command_close(&x);
    char *text = run_fixture_read("s.csv");
    assert_non_null(strstr(text, "\n7,1,"));
    mem_free(text);
}

static void test_options_must_fit_each_other_and_the_ini(void **state)
{
    (void)state;
    small_command_put("small.ini", SMALL_INI);
    small_command_put("alone.ini", ALONE);
    small_command_expect(&command_solve, "solve small.ini", ODEON_ERR_CONFIG,
                         "solve: the model starts from samples of [data]: --in FILE or --split "
                         "NAME must be given");
    small_command_expect(&command_solve, "solve small.ini --split all", ODEON_ERR_CONFIG,
                         "--split all: must be train or test");
    small_command_expect(&command_solve, "solve small.ini --split test --in x.npy",
                         ODEON_ERR_CONFIG, "solve: one of --in FILE and --split NAME, not both");
    small_command_expect(&command_solve, "solve alone.ini --split test", ODEON_ERR_CONFIG,
                         "--split test: the INI has no [data]");
    small_command_expect(&command_solve, "solve alone.ini --transformed", ODEON_ERR_CONFIG,
                         "--transformed: belongs to --in FILE");
    small_command_expect(&command_solve, "solve alone.ini --out alone.ini", ODEON_ERR_CONFIG,
                         "alone.ini");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_an_ode_alone_is_solved_to_a_file),
        WITH_FOLDER(test_a_split_is_solved_from_its_samples),
        WITH_FOLDER(test_options_must_fit_each_other_and_the_ini),
    };
    return cmocka_run_group_tests_name("command solve", tests, NULL, NULL);
}
