#include "command/setup.h"

#include "small_command.h"

#include "session/describe.h"

#define ALONE                                                                                      \
    "[model.ode]\nlayer = ode(steps=2, initial=1)\nintegrator = euler\ngradient = direct\n"        \
    "[model.ode.f]\nlayer = dense(units=state)\n"

typedef odeon_status (*opener)(const command_line *a, setup *out);

/* The answer of one of setup's openers; s is closed where it is a failure. */
static odeon_status open_with(opener open, const char *words, setup *s)
{
    small_command x;
    small_command_parse(&x, words);
    x.line.out = stdout;
    odeon_status status = open(&x.line, s);
    if (status != ODEON_OK) {
        setup_close(s);
        assert_null(s->registry);
    }
    small_command_close(&x);
    return status;
}

static void test_options_and_overrides_set_keys_the_last_wins(void **state)
{
    (void)state;
    setup s;
    small_command_put("small.ini", SMALL_INI);
    support_require(open_with(setup_open,
                              "grad small.ini run.dtype=float64 run.seed=5 --dtype float32 "
                              "train.weights=a --weights b",
                              &s),
                    "open");
    assert_int_equal(s.config->dtype, ODEON_DTYPE_F32);
    assert_int_equal(s.config->seed, 5);
    size_t n = strlen(s.config->weights);
    assert_true(n >= 2);
    assert_string_equal(s.config->weights + n - 2, "/b");
    assert_int_equal(s.fields.of[ODEON_ROLE_LABEL].classes, 3);
    assert_null(s.session);
    setup_close(&s);
    assert_null(s.config);
}

static void test_a_runs_folder_brings_its_weights_unless_others_are_given(void **state)
{
    (void)state;
    setup s;
    small_command_train();
    support_require(open_with(setup_open, "eval run", &s), "open");
    assert_string_equal(strrchr(s.config->weights, '/'), "/run");
    setup_close(&s);
    support_require(open_with(setup_open, "eval run --weights other", &s), "open");
    assert_string_equal(strrchr(s.config->weights, '/'), "/other");
    setup_close(&s);
    support_require(open_with(setup_open_unknown, "check run", &s), "open");
    assert_null(s.config->weights); /* left alone where the INI is only looked at */
    setup_close(&s);
}

static void test_a_model_alone_is_enough_for_some(void **state)
{
    (void)state;
    static const char message[] =
        "alone.ini: without [data] and [train] a model can be solved only "
        "(odeon help solve)";
    setup s;
    small_command_put("alone.ini", ALONE);
    assert_int_equal(open_with(setup_open, "x alone.ini", &s), ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), message);
    assert_int_equal(open_with(setup_open_untrained, "x alone.ini", &s), ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), message);
    support_require(open_with(setup_open_model, "x alone.ini", &s), "open");
    assert_null(s.config->dataset);
    setup_close(&s);
    support_require(open_with(setup_open_unknown, "x alone.ini", &s), "open");
    setup_close(&s);
}

/* With [data] and without [train]: enough to predict. */
static void test_data_without_training_is_enough_for_some(void **state)
{
    (void)state;
    setup s;
    char *text = mem_strdup(SMALL_INI);
    *strstr(text, "[train]") = '\0';
    small_command_put("untrained.ini", text);
    mem_free(text);
    assert_int_equal(open_with(setup_open, "x untrained.ini", &s), ODEON_ERR_CONFIG);
    support_require(open_with(setup_open_untrained, "x untrained.ini", &s), "open");
    setup_close(&s);
}

static void test_plugins_of_an_unknown_ini_are_not_run(void **state)
{
    (void)state;
    setup s;
    small_command_put("loads.ini",
                      SMALL_INI "[plugins]\nload = " ODEON_TEST_PLUGINS "/layer/adds.so\n");
    assert_int_equal(open_with(setup_open_unknown, "check loads.ini", &s), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "--trust"));
    support_require(open_with(setup_open_unknown, "check loads.ini --trust", &s), "trusted");
    setup_close(&s);
    support_require(open_with(setup_open, "train loads.ini", &s), "open");
    setup_close(&s);
}

static void test_sessions_are_built_to_the_extent_asked_for(void **state)
{
    (void)state;
    setup s;
    small_command_put("small.ini", SMALL_INI);
    support_require(open_with(setup_open, "x small.ini", &s), "open");
    support_require(setup_session(&s), "session");
    assert_int_equal(session_layer_count(s.session), 4);
    assert_int_equal(session_output_size(s.session), 3);
    setup_close(&s);
    support_require(open_with(setup_open, "x small.ini", &s), "open");
    support_require(setup_flow(&s), "flow");
    assert_int_equal(session_layer_count(s.session), 3); /* without the head */
    setup_close(&s);
    support_require(open_with(setup_open, "x small.ini", &s), "open");
    support_require(setup_shapes(&s), "shapes");
    assert_int_equal(session_layer_count(s.session), 4);
    setup_close(&s);
}

static void test_every_failing_allocation_is_reported(void **state)
{
    (void)state;
    small_command x;
    small_command_put("small.ini", SMALL_INI);
    small_command_parse(&x, "x small.ini run.seed=3 --dtype float32 --weights none");
    odeon_status status = ODEON_ERR_NOMEM;
    int64_t before = mem_live_blocks(), n = 0;
    while (status != ODEON_OK) {
        setup s;
        diag_clear();
        mem_fail_at(n += 7); /* every one of them is a matter of the whole program's tests */
        status = setup_open(&x.line, &s);
        mem_fail_at(0);
        setup_close(&s);
        assert_true(status == ODEON_OK || diag_message()[0] != '\0');
        assert_int_equal(mem_live_blocks(), before);
    }
    assert_true(n > 7);
    small_command_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_options_and_overrides_set_keys_the_last_wins),
        WITH_FOLDER(test_a_runs_folder_brings_its_weights_unless_others_are_given),
        WITH_FOLDER(test_a_model_alone_is_enough_for_some),
        WITH_FOLDER(test_data_without_training_is_enough_for_some),
        WITH_FOLDER(test_plugins_of_an_unknown_ini_are_not_run),
        WITH_FOLDER(test_sessions_are_built_to_the_extent_asked_for),
        WITH_FOLDER(test_every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests_name("setup", tests, NULL, NULL);
}
