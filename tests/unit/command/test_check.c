#include "small_command.h"

static void test_a_sound_ini_is_shown_and_repeats_itself(void **state)
{
    (void)state;
    small_command x;
    small_command_check(&command_check, "check");
    small_command_put("small.ini", SMALL_INI);
    support_require(small_command_run(&command_check, "check small.ini", &x), "check");
    assert_non_null(strstr(x.out, "ode.f"));
    assert_non_null(strstr(x.out, "float64 on cpu: "));
    assert_non_null(strstr(x.out, "\nnormal form: makes the same model\n"));
    assert_non_null(strstr(x.out, "/small.ini: ok\n"));
    assert_null(strstr(x.out, "samples to train on")); /* no data was opened */
    small_command_close(&x);
}

static void test_data_are_opened_where_that_is_asked_for(void **state)
{
    (void)state;
    small_command x;
    small_command_put("small.ini", SMALL_INI);
    support_require(small_command_run(&command_check, "check small.ini --data", &x), "check");
    assert_non_null(strstr(x.out, "\ndata: 8 samples to train on, 8 to test on\n"));
    small_command_close(&x);
    small_command_put("alone.ini", "[model.ode]\nlayer = ode(steps=2, initial=1)\n"
                                   "integrator = euler\ngradient = direct\n"
                                   "[model.ode.f]\nlayer = dense(units=state)\n");
    small_command_expect(&command_check, "check alone.ini", ODEON_OK, "");
    small_command_expect(&command_check, "check alone.ini --data", ODEON_ERR_CONFIG,
                         "--data: the INI has no [data]");
}

/* The normal form names the device that auto stood for; that is no other model. */
static void test_an_automatic_device_repeats_itself(void **state)
{
    (void)state;
    small_command x;
    small_command_put("small.ini", SMALL_INI);
    support_require(small_command_run(&command_check, "check small.ini run.device=auto", &x),
                    "check");
    assert_non_null(strstr(x.out, " (run.device = auto), 1 worker\n"));
    assert_non_null(strstr(x.out, "\nnormal form: makes the same model\n"));
    small_command_close(&x);
}

/* Keys that change nothing, and files that are not there, are notes and no failure. */
static void test_what_may_not_be_meant_is_noted(void **state)
{
    (void)state;
    small_command x;
    small_command_put("small.ini", SMALL_INI);
    support_require(small_command_run(&command_check,
                                      "check small.ini model.ode.rtol=1e-5 data.order=none.txt",
                                      &x),
                    "check");
    assert_non_null(strstr(x.out, "rtol"));
    assert_non_null(strstr(x.out, "data.order: "));
    assert_non_null(strstr(x.out, "none.txt: No such file or directory\n"));
    assert_non_null(strstr(x.out, "/small.ini: ok, but see the notes above\n"));
    small_command_close(&x);
}

static void test_batches_that_a_layer_cannot_take_are_refused(void **state)
{
    (void)state;
    small_command_put("small.ini", SMALL_INI);
    small_command_expect(&command_check,
                         "check small.ini model.head.layer=batchnorm data.batch=1 "
                         "model.head.then=dense(units=classes)",
                         ODEON_ERR_CONFIG, "takes no fewer than 2 samples a batch");
}

/* The plugin cannot be created a second time, as the normal form would have it. */
static void test_a_model_that_cannot_be_built_again_is_a_fault(void **state)
{
    (void)state;
    small_command_put("small.ini", SMALL_INI);
    small_command_expect(&command_check, "check small.ini train.schedule=once", ODEON_ERR_INTERNAL,
                         "the normal form does not repeat the run: ");
}

static void test_an_ini_that_is_wrong_is_refused(void **state)
{
    (void)state;
    small_command_put("small.ini", SMALL_INI);
    small_command_expect(&command_check, "check small.ini model.head.units=0", ODEON_ERR_CONFIG,
                         "units");
    small_command_expect(&command_check, "check none.ini", ODEON_ERR_IO, "none.ini");
    assert_int_equal(setenv("TMPDIR", "/nowhere", 1), 0);
    small_command_expect(&command_check, "check small.ini", ODEON_ERR_IO,
                         "a temporary file /nowhere/odeon-");
    assert_int_equal(unsetenv("TMPDIR"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_a_sound_ini_is_shown_and_repeats_itself),
        WITH_FOLDER(test_data_are_opened_where_that_is_asked_for),
        WITH_FOLDER(test_an_automatic_device_repeats_itself),
        WITH_FOLDER(test_what_may_not_be_meant_is_noted),
        WITH_FOLDER(test_batches_that_a_layer_cannot_take_are_refused),
        WITH_FOLDER(test_a_model_that_cannot_be_built_again_is_a_fault),
        WITH_FOLDER(test_an_ini_that_is_wrong_is_refused),
    };
    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
