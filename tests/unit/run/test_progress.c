#include "run/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support.h"

static const progress_state half = {
    .what = "train",
    .epoch = 1,
    .epochs = 2,
    .step = 50,
    .steps = 100,
    .loss = 0.51234,
    .metric_name = "accuracy",
    .metric = 0.8125,
    .samples_per_second = 4321.4,
    .has_blocks = true,
    .evals_forward = 20,
    .evals_backward = 26,
    .accepted = 6,
    .rejected = 1,
    .device = {-1, -1, -1},
    .seconds_left = 42.0,
};

/* Columns of a text in UTF-8. */
static int columns(const char *text)
{
    int n = 0;
    for (; *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xc0u) != 0x80u;
    }
    return n;
}

static void test_progress_duration_shows_minutes_and_seconds(void **state)
{
    (void)state;
    char text[32];
    progress_duration(67.4, text);
    assert_string_equal(text, "1:07");
}

static void test_progress_duration_shows_hours_from_the_first(void **state)
{
    (void)state;
    char text[32];
    progress_duration(3599.6, text);
    assert_string_equal(text, "1:00:00");
}

static void test_progress_duration_of_nan_is_a_dash(void **state)
{
    (void)state;
    char text[32];
    progress_duration((double)NAN, text);
    assert_string_equal(text, "-");
}

static void test_progress_line_has_every_part(void **state)
{
    (void)state;
    char text[512];
    progress_format_line(&half, 0, text, sizeof text);
    assert_string_equal(text,
                        "epoch 1/2, step 50/100: loss 0.5123, accuracy 0.8125, 0:42 left, "
                        "4321 samples/s, evaluations 20 forward 26 backward, steps 6 accepted "
                        "1 rejected");
}

static void test_progress_line_without_blocks_and_metric_is_shorter(void **state)
{
    (void)state;
    char text[512];
    progress_state s = half;
    s.has_blocks = false;
    s.metric_name = NULL;
    progress_format_line(&s, 0, text, sizeof text);
    assert_string_equal(text, "epoch 1/2, step 50/100: loss 0.5123, 0:42 left, 4321 samples/s");
}

static void test_progress_shows_what_a_device_counts(void **state)
{
    (void)state;
    char text[512];
    progress_state s = half;
    s.device = (device_counters){.waits = 1, .launches = 52, .allocs = 0};
    progress_format_line(&s, 0, text, sizeof text);
    assert_non_null(strstr(text, "1 rejected, device waits 1 launches 52 allocations 0"));
    progress_format_bar(&s, 160, false, text, sizeof text);
    assert_non_null(strstr(text, "steps 6 (1 rejected)  waits 1 launches 52"));
    s.has_blocks = false;
    progress_format_bar(&s, 160, false, text, sizeof text);
    assert_non_null(strstr(text, "4321 samples/s  waits 1 launches 52"));
}

static void test_progress_bar_in_ascii_is_ascii(void **state)
{
    (void)state;
    char text[512];
    progress_format_bar(&half, 132, false, text, sizeof text);
    assert_string_equal(text, "train 1/2  50% ############............  loss 0.5123  "
                              "accuracy 0.8125  0:42 left  4321 samples/s  evals 20+26  "
                              "steps 6 (1 rejected)");
}

static void test_progress_bar_fits_every_width(void **state)
{
    (void)state;
    for (int width = 1; width < 200; width++) {
        for (int utf8 = 0; utf8 < 2; utf8++) {
            char text[1024];
            progress_format_bar(&half, width, utf8 != 0, text, sizeof text);
            assert_true(columns(text) <= width - 1);
        }
    }
}

static void test_progress_bar_on_a_narrow_terminal_keeps_the_loss(void **state)
{
    (void)state;
    char text[512];
    progress_format_bar(&half, 30, false, text, sizeof text);
    assert_string_equal(text, "train 1/2  50%  loss 0.5123");
}

static void test_progress_bar_has_a_bar_at_80_columns_whatever_stands_beside_it(void **state)
{
    (void)state;
    static const struct {
        int columns;
        const char *text;
    } cases[] = {
        {40, "train 1/2  50% #####......  loss 0.5123"},
        {80, "train 1/2  50% ###########............  loss 0.5123  accuracy 0.8125  0:42 left"},
        {110, "train 1/2  50% ############............  loss 0.5123  accuracy 0.8125  0:42 left  "
              "4321 samples/s  evals 20+26"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        progress_format_bar(&half, cases[i].columns, false, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_progress_bar_of_a_long_run_has_a_bar_at_80_columns(void **state)
{
    (void)state;
    char text[512];
    progress_state s = half;
    s.epoch = 12345;
    s.epochs = 100000;
    s.loss = -12345.678;
    s.metric_name = "loss_cross_entropy";
    s.seconds_left = 1e7;
    progress_format_bar(&s, 80, false, text, sizeof text);
    assert_non_null(strstr(text, " ####"));
    assert_non_null(strstr(text, "loss -12345.6780"));
}

static void test_progress_line_fits_every_width(void **state)
{
    (void)state;
    progress_state s = half;
    s.device = (device_counters){.waits = 1, .launches = 52, .allocs = 0};
    for (int width = 1; width < 250; width++) {
        char text[1024];
        progress_format_line(&s, width, text, sizeof text);
        assert_true(columns(text) <= width - 1);
    }
}

static void test_progress_line_keeps_what_is_wanted_most(void **state)
{
    (void)state;
    static const struct {
        int columns;
        const char *text;
    } cases[] = {
        {24, "step: loss 0.5123"},
        {30, "step 50/100: loss 0.5123"},
        {40, "epoch 1/2, step 50/100: loss 0.5123"},
        {80, "epoch 1/2, step 50/100: loss 0.5123, accuracy 0.8125, 0:42 left, 4321 samples/s"},
        {132, "epoch 1/2, step 50/100: loss 0.5123, accuracy 0.8125, 0:42 left, 4321 samples/s, "
              "evaluations 20 forward 26 backward"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        progress_format_line(&half, cases[i].columns, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_progress_bar_in_utf8_fills_half_at_half(void **state)
{
    (void)state;
    char text[1024];
    progress_format_bar(&half, 132, true, text, sizeof text);
    int full = 0;
    for (const char *at = text; (at = strstr(at, "\u2501")) != NULL; at++) {
        full++;
    }
    assert_int_equal(full, 12);
}

static void test_progress_bar_without_steps_is_empty(void **state)
{
    (void)state;
    char text[512];
    progress_state s = half;
    s.steps = 0;
    progress_format_bar(&s, 132, false, text, sizeof text);
    assert_non_null(strstr(text, "  0% ........................  "));
}

/* All that a progress writes into a file, which is no terminal. */
static void collect(FILE *file, char *text, size_t size)
{
    rewind(file);
    size_t n = fread(text, 1, size - 1, file);
    text[n] = '\0';
    (void)fclose(file);
}

static void test_progress_off_a_terminal_writes_two_lines_after_a_test(void **state)
{
    (void)state;
    char text[1024];
    FILE *file = tmpfile();
    assert_non_null(file);
    progress *p = NULL;
    assert_int_equal(progress_create(file, 1, 2, &p), ODEON_OK);
    session_result result = {.loss = 0.5, .n_blocks = 0};
    const progress_step step = {.epoch = 1,
                                .step = 1,
                                .n = 8,
                                .seconds = 0.25,
                                .metric_name = "accuracy",
                                .metric = 0.25,
                                .device = {-1, -1, -1}};
    progress_train(p, &step, &result);
    progress_test(p, 1, 2);
    progress_tested(p, &(progress_test_result){"test", 1, 1, 0.75, "accuracy", 0.125});
    progress_destroy(p);
    collect(file, text, sizeof text);
    assert_non_null(strstr(text, "epoch 1/1, step 1/2: loss 0.5000, accuracy 0.2500, "));
    assert_non_null(strstr(text, " left, 32 samples/s\n"));
    assert_non_null(strstr(text, "\nepoch 1/1, step 1/2, test: loss 0.7500, accuracy 0.1250\n"));
    assert_null(strchr(text, '\r'));
    assert_null(strstr(text, "device"));
}

/* A run that goes on and has no step left has trained nothing that could be shown. */
static void test_progress_tells_a_test_alone(void **state)
{
    (void)state;
    char text[1024];
    FILE *file = tmpfile();
    assert_non_null(file);
    progress *p = NULL;
    assert_int_equal(progress_create(file, 1, 2, &p), ODEON_OK);
    progress_tested(p, &(progress_test_result){"test", 1, 2, 0.75, NULL, 0.0});
    progress_destroy(p);
    collect(file, text, sizeof text);
    assert_string_equal(text, "epoch 1/1, step 2/2, test: loss 0.7500\n");
}

static void test_progress_numbers_never_lose_all_their_digits(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.0, "0.0000"},          {0.41318, "0.4132"},       {-12.5, "-12.5000"},
                 {0.0032737, "3.274e-03"}, {3.14159e-5, "3.142e-05"}, {1e9, "1.000e+09"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[32];
        progress_number(cases[i].value, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_progress_mean_weighs_newer_batches_more(void **state)
{
    (void)state;
    char text[1024];
    FILE *file = tmpfile();
    assert_non_null(file);
    progress *p = NULL;
    assert_int_equal(progress_create(file, 1, 2, &p), ODEON_OK);
    session_result result = {.loss = 1.0, .n_blocks = 0};
    progress_step step = {.epoch = 1, .step = 1, .n = 8, .seconds = 1.0};
    progress_train(p, &step, &result);
    result.loss = 2.0;
    step.step = 2;
    progress_train(p, &step, &result);
    progress_tested(p, &(progress_test_result){"test", 1, 2, 0.0, NULL, 0.0});
    progress_destroy(p);
    collect(file, text, sizeof text);
    /* (0.09 * 1 + 0.1 * 2) / 0.19 */
    assert_non_null(strstr(text, "loss 1.5263"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_progress_duration_shows_minutes_and_seconds),
        cmocka_unit_test(test_progress_duration_shows_hours_from_the_first),
        cmocka_unit_test(test_progress_duration_of_nan_is_a_dash),
        cmocka_unit_test(test_progress_line_has_every_part),
        cmocka_unit_test(test_progress_line_without_blocks_and_metric_is_shorter),
        cmocka_unit_test(test_progress_shows_what_a_device_counts),
        cmocka_unit_test(test_progress_bar_in_ascii_is_ascii),
        cmocka_unit_test(test_progress_bar_fits_every_width),
        cmocka_unit_test(test_progress_bar_on_a_narrow_terminal_keeps_the_loss),
        cmocka_unit_test(test_progress_bar_in_utf8_fills_half_at_half),
        cmocka_unit_test(test_progress_bar_without_steps_is_empty),
        cmocka_unit_test(test_progress_bar_has_a_bar_at_80_columns_whatever_stands_beside_it),
        cmocka_unit_test(test_progress_bar_of_a_long_run_has_a_bar_at_80_columns),
        cmocka_unit_test(test_progress_line_fits_every_width),
        cmocka_unit_test(test_progress_line_keeps_what_is_wanted_most),
        cmocka_unit_test(test_progress_off_a_terminal_writes_two_lines_after_a_test),
        cmocka_unit_test(test_progress_tells_a_test_alone),
        cmocka_unit_test(test_progress_numbers_never_lose_all_their_digits),
        cmocka_unit_test(test_progress_mean_weighs_newer_batches_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
