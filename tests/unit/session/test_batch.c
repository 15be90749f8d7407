#include "session/batch.h"

#include <math.h>
#include <string.h>

#include "small_session.h"

#include "base/diag.h"
#include "base/mem.h"
#include "ode/block.h"

enum { N = 5, OUT = 2 };

/* As session_run_job's callers do, so that the message of the worst worker is the answer's. */
static void batch_job(void *context, int32_t rank)
{
    small_job *job = context;
    worker *w = &job->session->workers[rank];
    diag_clear();
    w->status = batch_run(w, job->context);
    (void)snprintf(w->message, sizeof w->message, "%s", diag_message());
}

static odeon_status run(support_session *s, batch *b)
{
    small_job job = {.session = s->session, .context = b};
    return session_run_job(s->session, batch_job, &job);
}

static batch batch_of(support_session *s, batch_mode mode)
{
    batch b = {.mode = mode, .n = N, .epoch = 1, .step = 1, .lr_factor = 1.0};
    memcpy(b.given, support_given(s), sizeof b.given);
    return b;
}

static bool moves_parameters(support_session *s, batch_mode mode)
{
    int64_t n;
    double output[N * OUT], *before = support_parameters(s, &n);
    batch b = batch_of(s, mode);
    b.output = output;
    support_require(run(s, &b), "batch");
    double *after = support_parameters(s, &n);
    bool moved = memcmp(before, after, (size_t)n * sizeof *after) != 0;
    mem_free(before);
    mem_free(after);
    return moved;
}

static void test_only_training_updates_parameters(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    assert_false(moves_parameters(&s, BATCH_EVALUATE));
    assert_false(moves_parameters(&s, BATCH_PREDICT));
    assert_false(moves_parameters(&s, BATCH_DIFFERENTIATE));
    assert_false(moves_parameters(&s, BATCH_REPEAT));
    assert_true(moves_parameters(&s, BATCH_TRAIN));
    support_session_close(&s);
}

static void test_running_state_moves_in_training_mode_alone(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_STATE, N, NULL);
    assert_false(moves_parameters(&s, BATCH_EVALUATE));
    assert_true(moves_parameters(&s, BATCH_REPEAT)); /* its states; there is no update */
    support_session_close(&s);
}

/* Exchanges between the workers in a second batch of this mode, the same on both. */
static int64_t exchanges_of(support_session *s, batch_mode mode)
{
    const worker *w = s->session->workers;
    double output[N * OUT];
    batch b = batch_of(s, mode);
    b.output = output;
    support_require(run(s, &b), "first batch");
    uint64_t before = w[0].group.calls;
    support_require(run(s, &b), "second batch");
    assert_int_equal(w[0].group.calls, w[1].group.calls);
    return (int64_t)(w[0].group.calls - before);
}

/* The sums of losses and gradients; an agreement that all have updated their parameters; and one at
 * the end of every batch. */
static void test_a_batch_takes_few_exchanges(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    assert_int_equal(exchanges_of(&s, BATCH_PREDICT), 1);
    assert_int_equal(exchanges_of(&s, BATCH_EVALUATE), 2);
    assert_int_equal(exchanges_of(&s, BATCH_DIFFERENTIATE), 2);
    assert_int_equal(exchanges_of(&s, BATCH_TRAIN), 3);
    support_session_close(&s);
}

/* An evaluation of the adjoint's field adds up the gradients of parameters and time together. */
static void test_an_evaluation_of_the_adjoint_takes_one_exchange(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_ADJOINT, N, NULL);
    int64_t exchanges = exchanges_of(&s, BATCH_TRAIN);
    const ode_counters *block = &s.session->workers[0].site.odes[0]->counters;
    assert_int_equal(block->evals_backward, 4);
    assert_int_equal(exchanges, 3 + block->evals_backward + 1); /* the drift of y on the way back */
    support_session_close(&s);
}

static void test_rank_0_writes_the_answers(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    batch b = batch_of(&s, BATCH_EVALUATE);
    b.grad_norm = -1.0;
    support_require(run(&s, &b), "evaluate");
    assert_true(b.loss > 0.0 && b.counted == N);
    assert_true(b.metrics[0] >= 0.0 && b.metrics[0] <= 1.0);
    assert_true(b.grad_norm == -1.0); /* nothing was differentiated */
    b = batch_of(&s, BATCH_REPEAT);
    support_require(run(&s, &b), "repeat");
    assert_true(b.grad_norm > 0.0);
    support_session_close(&s);
}

/* How far each worker came; a slice of 5 samples on 2 workers is 2 and 3. */
static void test_workers_say_how_far_they_came(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    batch b = batch_of(&s, BATCH_EVALUATE);
    support_require(run(&s, &b), "evaluate");
    const worker *w = s.session->workers;
    assert_int_equal(w[0].n_loaded, 2);
    assert_int_equal(w[1].n_output, 3);
    assert_false(w[0].has_gradient || w[0].is_updating);
    b = batch_of(&s, BATCH_TRAIN);
    support_require(run(&s, &b), "train");
    assert_true(w[1].has_gradient && w[1].is_updating);
    support_session_close(&s);
}

/* One worker's layer breaks; the other, which waits for it in a sum, ends with the same status. */
static void test_a_failure_of_one_worker_is_that_of_all(void **state)
{
    (void)state;
    const char *overrides[] = {"model.a.then=tanh, faulty(rank=1)", NULL};
    support_session s = support_session_open(SMALL_CLASSES, N, overrides);
    batch b = batch_of(&s, BATCH_TRAIN);
    assert_int_equal(run(&s, &b), ODEON_ERR_DEVICE);
    assert_non_null(strstr(diag_message(), "faulty: call 1 of forward broke"));
    assert_int_equal(s.session->workers[0].status, ODEON_ERR_DEVICE);
    assert_int_equal(s.session->workers[1].status, ODEON_ERR_DEVICE);
    assert_false(s.session->workers[0].is_updating);
    b = batch_of(&s, BATCH_TRAIN); /* the second call is sound, and so are the workers */
    support_require(run(&s, &b), "train");
    support_session_close(&s);
}

/* The squares of 1e200 overflow; outputs and loss do not. */
static const char steep[] = "[run]\nworkers = 1\ndtype = float64\n"
                            "[data]\ndataset = drawn(shape=2, classes=1)\n"
                            "[model.a]\nlayer = dense(units=1)\n"
                            "[train]\nloss = cotangent(values=1e200)\noptimizer = sgd(lr=0.1)\n";

static void test_a_gradient_that_is_not_finite_reaches_no_parameter(void **state)
{
    (void)state;
    support_session s = support_session_open(steep, N, NULL);
    int64_t n;
    double *before = support_parameters(&s, &n);
    batch b = batch_of(&s, BATCH_TRAIN);
    assert_int_equal(run(&s, &b), ODEON_ERR_NUMERIC);
    assert_string_equal(diag_message(),
                        "the gradient's norm is inf (epoch 1, step 1): smaller initial weights, or "
                        "data nearer to 1, may help");
    b = batch_of(&s, BATCH_TRAIN);
    b.step = 2;
    assert_int_equal(run(&s, &b), ODEON_ERR_NUMERIC);
    assert_non_null(strstr(diag_message(), "(epoch 1, step 2): a smaller learning rate or "
                                           "train.clip_norm may help"));
    double *after = support_parameters(&s, &n);
    assert_memory_equal(before, after, (size_t)n * sizeof *after);
    b = batch_of(&s, BATCH_DIFFERENTIATE); /* who asks for the gradient gets it as it is */
    support_require(run(&s, &b), "differentiate");
    assert_true(isinf(b.grad_norm));
    mem_free(before);
    mem_free(after);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_training_updates_parameters),
        cmocka_unit_test(test_running_state_moves_in_training_mode_alone),
        cmocka_unit_test(test_a_batch_takes_few_exchanges),
        cmocka_unit_test(test_an_evaluation_of_the_adjoint_takes_one_exchange),
        cmocka_unit_test(test_rank_0_writes_the_answers),
        cmocka_unit_test(test_workers_say_how_far_they_came),
        cmocka_unit_test(test_a_failure_of_one_worker_is_that_of_all),
        cmocka_unit_test(test_a_gradient_that_is_not_finite_reaches_no_parameter),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
