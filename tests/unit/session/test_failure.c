#include "session/failure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "small_session.h"

#include "base/diag.h"
#include "base/mem.h"
#include "folder.h"

enum { N = 5 };

/* The layer's second call gives NaN on the second worker, whose slice begins with sample 2. */
static const char *const bad_output[] = {"model.head.then=faulty(rank=1, call=2, status=nan)",
                                         NULL};

static odeon_status train(support_session *s, data_source *source, int64_t step)
{
    static const int64_t indices[N] = {7, 6, 5, 4, 3};
    session_result result;
    diag_clear();
    return session_train(s->session, source, N, indices, 1, step, 1.0, &result);
}

static void test_the_sample_and_its_index_are_named(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, bad_output);
    data_source *source = support_batch_source(&s);
    support_require(train(&s, source, 1), "train");
    assert_null(session_failed_batch(s.session));
    assert_int_equal(train(&s, source, 2), ODEON_ERR_NUMERIC);
    assert_string_equal(diag_message(),
                        "the loss is nan (epoch 1, step 2): a smaller learning rate or "
                        "train.clip_norm may help; first sample whose output is not finite: 2 of "
                        "the batch (5 of the data set)");
    data_close(source);
    support_session_close(&s);
}

static void test_the_failed_batch_is_whole(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, bad_output);
    data_source *source = support_batch_source(&s);
    support_require(train(&s, source, 1), "train");
    assert_int_equal(train(&s, source, 2), ODEON_ERR_NUMERIC);
    const session_batch *b = session_failed_batch(s.session);
    assert_non_null(b);
    assert_true(b->training && b->n == N && b->epoch == 1 && b->step == 2);
    assert_int_equal(b->indices[0], 7);
    assert_int_equal(b->indices[N - 1], 3);
    double labels[N];
    support_require(data_labels(source, N, b->indices, labels), "labels");
    assert_memory_equal(b->field[ODEON_ROLE_LABEL], labels, sizeof labels);
    assert_null(b->field[ODEON_ROLE_MASK]);
    support_require(train(&s, source, 3), "train");
    assert_null(session_failed_batch(s.session)); /* the last batch did not fail */
    data_close(source);
    support_session_close(&s);
}

/* The forward pass has moved the running state before the loss was seen to be NaN. */
static void test_running_state_and_parameters_are_as_before(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_STATE, N, bad_output);
    data_source *source = support_batch_source(&s);
    support_require(train(&s, source, 1), "train");
    int64_t n;
    double *before = support_parameters(&s, &n);
    assert_int_equal(train(&s, source, 2), ODEON_ERR_NUMERIC);
    double *after = support_parameters(&s, &n);
    assert_memory_equal(before, after, (size_t)n * sizeof *after);
    mem_free(before);
    mem_free(after);
    data_close(source);
    support_session_close(&s);
}

static void test_a_prediction_is_not_kept(void **state)
{
    (void)state;
    const char *overrides[] = {"model.a.then=faulty(status=recoverable)", NULL};
    support_session s = support_session_open(SMALL_CLASSES, N, overrides);
    double output[N * 2];
    session_samples samples = {.n = N};
    samples.given[ODEON_ROLE_INPUT] = s.x;
    diag_clear();
    assert_int_equal(session_predict(s.session, &samples, output, NULL), ODEON_ERR_NUMERIC);
    assert_non_null(strstr(diag_message(), "faulty: call 1 of forward is void"));
    assert_null(session_failed_batch(s.session));
    support_session_close(&s);
}

/* No output is wrong, so the gradients are asked: that of the layer behind the one that fails. */
static void test_a_gradient_is_blamed_where_no_output_is(void **state)
{
    (void)state;
    const char *overrides[] = {"model.a.then=faulty(in=vjp, status=nan)", NULL};
    support_session s = support_session_open(SMALL_CLASSES, N, overrides);
    data_source *source = support_batch_source(&s);
    assert_int_equal(train(&s, source, 1), ODEON_ERR_NUMERIC);
    assert_non_null(strstr(diag_message(), "; first parameter whose gradient is not finite: a."));
    data_close(source);
    support_session_close(&s);
}

/* A solve that fails knows its worst sample; where training has moved the weights, there is advice.
 */
static void test_a_failed_solve_names_part_and_sample(void **state)
{
    (void)state;
    const char *overrides[] = {
        "model.ode.layer=ode(rtol=1e-6, atol=1e-6)", "model.ode.integrator=tsit5",
        "model.ode.f.then=faulty(rank=1, call=200, calls=1000, status=nan)", NULL};
    support_session s = support_session_open(SMALL_FLOW, N, overrides);
    data_source *source = support_batch_source(&s);
    odeon_status status = ODEON_OK;
    int64_t step = 0;
    while (status == ODEON_OK && step < 50) {
        status = train(&s, source, ++step);
    }
    assert_int_equal(status, ODEON_ERR_NUMERIC);
    assert_true(step > 1);
    assert_non_null(
        strstr(diag_message(), "; worst sample: 2 of the batch (5 of the data set), by part "));
    assert_non_null(strstr(diag_message(), " of the solve forward, not finite"));
    assert_non_null(strstr(diag_message(), "; if training diverges, a smaller learning rate"));
    data_close(source);
    support_session_close(&s);
}

static void test_attempts_are_written_of_blocks_that_were_reached(void **state)
{
    (void)state;
    folder f = folder_create();
    support_session s = support_session_open(SMALL_FLOW, N, NULL);
    support_require(session_write_attempts(s.session, f.path), "write");
    assert_int_not_equal(access(folder_file(&f, "steps-ode.csv"), F_OK), 0); /* no batch yet */
    (void)support_differentiate(&s, NULL, NULL);
    support_require(session_write_attempts(s.session, f.path), "write");
    size_t bytes, lines = 0;
    char *text = folder_read(folder_file(&f, "steps-ode.csv"), &bytes);
    for (size_t i = 0; i < bytes; i++) {
        lines += text[i] == '\n';
    }
    assert_int_equal(lines, 1 + 2); /* the names, then a step a line */
    free(text);
    diag_clear();
    assert_int_equal(session_write_attempts(s.session, "/nowhere"), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "/nowhere/steps-ode.csv"));
    support_session_close(&s);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_sample_and_its_index_are_named),
        cmocka_unit_test(test_the_failed_batch_is_whole),
        cmocka_unit_test(test_running_state_and_parameters_are_as_before),
        cmocka_unit_test(test_a_prediction_is_not_kept),
        cmocka_unit_test(test_a_gradient_is_blamed_where_no_output_is),
        cmocka_unit_test(test_a_failed_solve_names_part_and_sample),
        cmocka_unit_test(test_attempts_are_written_of_blocks_that_were_reached),
    };
    return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
