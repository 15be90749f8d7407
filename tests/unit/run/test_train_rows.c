#include "run/train_rows.h"

#include "small_trainer.h"

/* The cells of the last row of metrics.csv, cut in place; the caller frees text. */
static size_t last_row(const small_trainer *x, char **text, char *cells[], size_t most)
{
    size_t n = 0;
    run_dir_write_rows(x->t.plan->dir);
    *text = run_fixture_read(SMALL_FILE("metrics.csv"));
    char *end = strrchr(*text, '\n');
    assert_non_null(end);
    *end = '\0';
    char *row = strrchr(*text, '\n');
    assert_non_null(row); /* behind the names */
    while (row != NULL && n < most) {
        *row = '\0';
        cells[n++] = row + 1;
        row = strchr(row + 1, ',');
    }
    if (row != NULL) {
        *row = '\0';
    }
    return n;
}

enum { STEP, EPOCH, SECONDS, SPLIT, LOSS, ACCURACY, LR, GRAD_NORM, RATE, MOST };

static void test_a_step_has_rate_gradient_and_speed(void **state)
{
    (void)state;
    small_trainer x;
    char *text, *cells[MOST];
    small_trainer_open(&x, NULL);
    ode_counters *blocks;
    session_result result = {.loss = 0.5, .metrics = {0.75}, .grad_norm = 2.0};
    result.n_blocks = session_blocks(x.s.session, &blocks);
    result.blocks = blocks;
    x.t.at.step = 3;
    x.t.at.epoch = 2;
    x.t.factor = 0.5;
    x.t.row_samples = 12;
    x.t.row_seconds = 4.0;
    support_require(train_write_step_row(&x.t, &result), "row");
    assert_true(x.t.row_samples == 0 && x.t.row_seconds == 0.0); /* the next row counts anew */
    assert_int_equal(last_row(&x, &text, cells, MOST), MOST);
    assert_string_equal(cells[STEP], "3");
    assert_string_equal(cells[EPOCH], "2");
    assert_string_equal(cells[SPLIT], "train");
    assert_string_equal(cells[LOSS], "0.5");
    assert_string_equal(cells[ACCURACY], "0.75");
    assert_string_equal(cells[LR], "0.05");
    assert_string_equal(cells[GRAD_NORM], "2");
    assert_string_equal(cells[RATE], "3");
    mem_free(text);
    support_require(train_write_step_row(&x.t, &result), "row");
    assert_int_equal(last_row(&x, &text, cells, MOST), MOST);
    assert_string_equal(cells[RATE], ""); /* nothing was trained since */
    mem_free(text);
    small_trainer_close(&x);
}

static void test_a_test_has_neither_rate_nor_gradient(void **state)
{
    (void)state;
    small_trainer x;
    char *text, *cells[MOST];
    small_trainer_open(&x, NULL);
    ode_counters *blocks;
    session_result result = {.loss = 0.25, .metrics = {1.0}, .grad_norm = 7.0};
    result.n_blocks = session_blocks(x.s.session, &blocks);
    result.blocks = blocks;
    support_require(session_result_copy(&result, &x.t.tested), "copy");
    support_require(train_write_test_row(&x.t, ODEON_SPLIT_TEST, 128.0), "row");
    assert_int_equal(last_row(&x, &text, cells, MOST), MOST);
    assert_string_equal(cells[SPLIT], "test");
    assert_string_equal(cells[LOSS], "0.25");
    assert_string_equal(cells[LR], "");
    assert_string_equal(cells[GRAD_NORM], "");
    assert_string_equal(cells[RATE], "128");
    mem_free(text);
    small_trainer_close(&x);
}

static void test_a_metric_that_repeats_the_loss_is_not_shown(void **state)
{
    (void)state;
    small_trainer x;
    double value = 0.0;
    small_trainer_open(&x, NULL);
    session_result result = {.loss = 0.5, .metrics = {0.75}};
    assert_string_equal(train_shown_metric(&x.t, &result, &value), "accuracy");
    assert_true(value == 0.75);
    result.metrics[0] = 0.5 * (1.0 + 1e-6);
    assert_null(train_shown_metric(&x.t, &result, &value));
    result.metrics[0] = 0.5 * (1.0 + 1e-4);
    assert_non_null(train_shown_metric(&x.t, &result, &value));
    small_trainer_close(&x);
}

/* Counts of a device of its own are worth showing, those of the host itself are not. */
static void test_counts_are_shown_of_a_device_apart(void **state)
{
    (void)state;
    static const char *const devices[] = {"run.device=cpu", "run.device=remote"};
    for (int i = 0; i < 2; i++) {
        const char *overrides[] = {devices[i], NULL};
        small_trainer x;
        small_trainer_open(&x, overrides);
        session_result result = {.device = {.waits = 3, .launches = 5, .allocs = 0}};
        device_counters shown = train_shown_device(&x.t, &result);
        assert_int_equal(shown.launches, i == 0 ? -1 : 5);
        assert_int_equal(shown.waits, i == 0 ? -1 : 3);
        small_trainer_close(&x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_a_step_has_rate_gradient_and_speed),
        WITH_FOLDER(test_a_test_has_neither_rate_nor_gradient),
        WITH_FOLDER(test_a_metric_that_repeats_the_loss_is_not_shown),
        WITH_FOLDER(test_counts_are_shown_of_a_device_apart),
    };
    return cmocka_run_group_tests_name("train_rows", tests, NULL, NULL);
}
