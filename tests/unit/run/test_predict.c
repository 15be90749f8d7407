#include "run/predict.h"

#include <math.h>
#include <string.h>

#include "support_session.h"

#include "base/diag.h"
#include "base/mem.h"

enum { N = 8, BATCH = 3 };

static const char classes[] = "[run]\nworkers = 1\ndtype = float64\n"
                              "[data]\ndataset = drawn(shape=2, classes=3, length=8)\n"
                              "[model.head]\nlayer = dense(units=classes)\n"
                              "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

static const char numbers[] = "[run]\nworkers = 1\ndtype = float32\n"
                              "[data]\ndataset = measured(shape=2, label=2, length=8, shift=0.1)\n"
                              "[model.head]\nlayer = dense(units=2)\n"
                              "[train]\nloss = mse\noptimizer = sgd(lr=0.1)\n";

static data_source *open_test(const support_session *s)
{
    data_source *source = NULL;
    support_require(data_open(s->config, ODEON_SPLIT_TEST, &source), "data");
    return source;
}

static void test_a_split_is_predicted_in_order_with_its_accuracy(void **state)
{
    (void)state;
    support_session s = support_session_open(classes, BATCH, NULL);
    data_source *source = open_test(&s);
    predictions p, whole;
    support_require(predict_run(s.session, NULL, source, BATCH, &p), "predict");
    support_require(predict_run(s.session, NULL, source, N, &whole), "predict");
    assert_true(p.n == N && p.size == 3 && p.truth_size == 1);
    assert_true(p.ndim == 2 && p.dim[0] == N && p.dim[1] == 3);
    assert_memory_equal(p.output, whole.output, N * 3 * sizeof(double));
    int64_t right = 0;
    for (int64_t i = 0; i < N; i++) {
        const double *x = p.output + 3 * i;
        int64_t label = x[1] > x[0] ? 1 : 0;
        label = x[2] > x[label] ? 2 : label;
        double truth;
        assert_int_equal(p.labels[i], label);
        assert_int_equal(p.rows[i], i);
        support_require(data_labels(source, 1, &i, &truth), "label");
        assert_true(p.truth[i] == truth);
        right += truth == (double)label;
    }
    assert_true(p.has_accuracy && p.accuracy == (double)right / N);
    predictions_fini(&p);
    predictions_fini(&whole);
    data_close(source);
    support_session_close(&s);
}

/* Rounded to the run's dtype on the way through a batch, 0.1 would not be what it was. */
static void test_numbers_as_labels_keep_their_digits(void **state)
{
    (void)state;
    support_session s = support_session_open(numbers, BATCH, NULL);
    data_source *source = open_test(&s);
    static const int64_t order[N] = {0, 1, 2, 3, 4, 5, 6, 7};
    double truth[N * 2];
    predictions p;
    support_require(predict_run(s.session, NULL, source, BATCH, &p), "predict");
    support_require(data_labels(source, N, order, truth), "labels");
    assert_null(p.labels);
    assert_false(p.has_accuracy);
    assert_int_equal(p.truth_size, 2);
    assert_memory_equal(p.truth, truth, sizeof truth);
    predictions_fini(&p);
    data_close(source);
    support_session_close(&s);
}

/* measured: element j of label i is counted out where (i + j) % 3 is 1. */
static void test_labels_that_the_mask_counts_out_are_not_known(void **state)
{
    (void)state;
    static const char masked[] =
        "[run]\nworkers = 1\ndtype = float64\n"
        "[data]\ndataset = measured(shape=2, label=2, length=8, shift=0.1, mask=some)\n"
        "[model.head]\nlayer = dense(units=2)\n"
        "[train]\nloss = mse\noptimizer = sgd(lr=0.1)\n";
    support_session s = support_session_open(masked, BATCH, NULL);
    data_source *source = open_test(&s);
    static const int64_t order[N] = {0, 1, 2, 3, 4, 5, 6, 7};
    double truth[N * 2];
    predictions p;
    support_require(predict_run(s.session, NULL, source, BATCH, &p), "predict");
    support_require(data_labels(source, N, order, truth), "labels");
    for (int64_t i = 0; i < N; i++) {
        for (int64_t j = 0; j < 2; j++) {
            double x = p.truth[2 * i + j];
            assert_true((i + j) % 3 == 1 ? isnan(x) : x == truth[2 * i + j]);
        }
    }
    predictions_fini(&p);
    data_close(source);
    support_session_close(&s);
}

static void test_inputs_of_a_file_are_predicted_with_or_without_labels(void **state)
{
    (void)state;
    support_session s = support_session_open(classes, BATCH, NULL);
    double x[N * 2], y[N] = {0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 0.0, 1.0};
    for (int i = 0; i < N * 2; i++) {
        x[i] = support_random(3, (uint64_t)i);
    }
    predict_input in = {.n = N, .field = {[ODEON_ROLE_INPUT] = x}};
    predictions p;
    support_require(predict_run(s.session, &in, NULL, BATCH, &p), "predict");
    assert_null(p.truth);
    assert_false(p.has_accuracy);
    assert_int_equal(p.rows[N - 1], N - 1);
    int64_t first = p.labels[0];
    predictions_fini(&p);
    in.field[ODEON_ROLE_LABEL] = y;
    support_require(predict_run(s.session, &in, NULL, BATCH, &p), "predict");
    assert_true(p.has_accuracy);
    assert_memory_equal(p.truth, y, sizeof y);
    assert_ptr_not_equal(p.truth, y); /* a copy: the input stays the caller's */
    assert_int_equal(p.labels[0], first);
    predictions_fini(&p);
    support_session_close(&s);
}

/* Of equal outputs the first one is the class. */
static void test_the_first_of_the_largest_is_the_class(void **state)
{
    (void)state;
    support_session s = support_session_open(classes, BATCH, NULL);
    static const double zeros[6], biases[3] = {1.0, 2.0, 2.0};
    double x[2] = {1.0, 1.0};
    for (size_t i = 0; i < 2; i++) {
        bool bias = session_parameter_at(s.session, i).count == 3;
        support_require(session_parameter_set(s.session, i, bias ? biases : zeros), "set");
    }
    predict_input in = {.n = 1, .field = {[ODEON_ROLE_INPUT] = x}};
    predictions p;
    support_require(predict_run(s.session, &in, NULL, BATCH, &p), "predict");
    assert_int_equal(p.labels[0], 1);
    predictions_fini(&p);
    support_session_close(&s);
}

static void test_an_output_that_is_not_finite_is_reported(void **state)
{
    (void)state;
    support_session s = support_session_open(classes, BATCH, NULL);
    static const double infinite[3] = {0.0, 0.0, (double)INFINITY};
    for (size_t i = 0; i < 2; i++) {
        if (session_parameter_at(s.session, i).count == 3) {
            support_require(session_parameter_set(s.session, i, infinite), "set");
        }
    }
    data_source *source = open_test(&s);
    predictions p;
    diag_clear();
    assert_int_equal(predict_run(s.session, NULL, source, BATCH, &p), ODEON_ERR_NUMERIC);
    assert_string_equal(diag_message(), "predict: output 2 of sample 0 is inf: are weights and "
                                        "input what they should be?");
    predictions_fini(&p);
    assert_null(p.output);
    data_close(source);
    support_session_close(&s);
}

static void test_every_failing_allocation_leaves_something_to_free(void **state)
{
    (void)state;
    support_session s = support_session_open(classes, BATCH, NULL);
    data_source *source = open_test(&s);
    int64_t before = mem_live_blocks();
    for (int64_t n = 1; n <= 5; n++) { /* output, rows, labels, order and truth */
        predictions p;
        diag_clear();
        mem_fail_at(n);
        assert_int_equal(predict_run(s.session, NULL, source, BATCH, &p), ODEON_ERR_NOMEM);
        mem_fail_at(0);
        assert_string_equal(diag_message(), "predict: no memory");
        predictions_fini(&p);
        assert_int_equal(mem_live_blocks(), before);
    }
    data_close(source);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_split_is_predicted_in_order_with_its_accuracy),
        cmocka_unit_test(test_numbers_as_labels_keep_their_digits),
        cmocka_unit_test(test_labels_that_the_mask_counts_out_are_not_known),
        cmocka_unit_test(test_inputs_of_a_file_are_predicted_with_or_without_labels),
        cmocka_unit_test(test_the_first_of_the_largest_is_the_class),
        cmocka_unit_test(test_an_output_that_is_not_finite_is_reported),
        cmocka_unit_test(test_every_failing_allocation_leaves_something_to_free),
    };
    return cmocka_run_group_tests_name("predict", tests, NULL, NULL);
}
