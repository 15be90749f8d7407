/* Numbers as labels, with masks, times and controls: loss and gradient are what they say, and
 * several workers do what one does. */
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "session/members.h"
#include "support_session.h"

enum { SAMPLES = 5, WIDTH = 3, STEPS = 3, MANY = 7 }; /* MANY: some workers have no sample */

/* Every field has the shape [3], so that layers can add it. */
static const char network[] =
    "[run]\nname = test\ndevice = cpu\ndtype = float64\nworkers = 1\n"
    "[data]\ndataset = measured(shape=3, label=3, times=3, control=3, mask=some, length=5)\n"
    "[model.time]\nlayer = adds(field=time)\n"
    "[model.in]\nlayer = dense(units=4)\nthen = tanh\n"
    "[model.ode]\nlayer = ode(rtol=1e-5, atol=1e-5)\nintegrator = tsit5\ngradient = direct\n"
    "[model.ode.a]\nlayer = dense(units=state)\nthen = tanh\n"
    "[model.out]\nlayer = dense(units=3)\n"
    "[model.control]\nlayer = adds(field=control)\n"
    "[train]\nloss = squared\noptimizer = adam(lr=0.01)\n";

static const int64_t all[SAMPLES] = {0, 1, 2, 3, 4};
/* Sums over samples are taken in another order. */
static const double rounding = 1e-12;

static support_session open_with(int workers, const char *first, const char *second)
{
    char *count = mem_printf("run.workers=%d", workers);
    const char *overrides[] = {count, first, second, NULL};
    support_session s = support_session_open(network, SAMPLES, overrides);
    mem_free(count);
    return s;
}

/* ---- one worker: what the numbers are ---- */

typedef struct expected {
    double loss, off, counted;
} expected;

static expected by_hand(const support_session *s, const double *output)
{
    expected e = {0.0, 0.0, 0.0};
    const double *label = s->given[ODEON_ROLE_LABEL], *mask = s->given[ODEON_ROLE_MASK];
    for (int i = 0; i < SAMPLES * WIDTH; i++) {
        double counts = mask == NULL ? 1.0 : mask[i], gap = output[i] - label[i];
        e.loss += counts * gap * gap;
        e.off += counts * fabs(gap);
        e.counted += counts;
    }
    e.loss /= e.counted;
    e.off /= e.counted;
    return e;
}

static void check_by_hand(const char *data)
{
    double output[SAMPLES * WIDTH];
    support_session s = open_with(1, data, NULL);
    session_result r = support_differentiate(&s, output, NULL);
    expected e = by_hand(&s, output);
    support_assert_close("loss", 1, &r.loss, &e.loss, 1e-14);
    support_assert_close("off", 1, r.metrics, &e.off, 1e-14);
    assert_true(r.counted == e.counted);
    support_session_close(&s);
}

static void test_loss_is_the_mean_over_what_the_mask_leaves(void **state)
{
    (void)state;
    check_by_hand("data.mask=some");
}

static void test_loss_without_a_mask_is_the_mean_over_all_elements(void **state)
{
    (void)state;
    check_by_hand("data.mask=none");
}

static void test_a_batch_of_which_nothing_counts_changes_nothing(void **state)
{
    (void)state;
    int64_t n;
    session_result r;
    support_session s = open_with(2, "data.mask=nothing", "train.optimizer=sgd(lr=1)");
    data_source *source = support_batch_source(&s);
    double *before = support_parameters(&s, &n);
    support_require(session_train(s.session, source, SAMPLES, all, 1, 1, 1.0, &r), "train");
    double *after = support_parameters(&s, &n);
    assert_true(r.loss == 0.0 && r.grad_norm == 0.0 && r.counted == 0.0 && isnan(r.metrics[0]));
    assert_memory_equal(before, after, (size_t)n * sizeof *before);
    mem_free(before);
    mem_free(after);
    data_close(source);
    support_session_close(&s);
}

static void test_gradient_is_the_derivative(void **state)
{
    (void)state;
    const double step = 1e-5;
    double d_x[SAMPLES * WIDTH], measured[SAMPLES * WIDTH];
    support_session s = open_with(2, "model.ode.rtol=1e-10", "model.ode.atol=1e-10");
    (void)support_differentiate(&s, NULL, d_x);
    for (int i = 0; i < SAMPLES * WIDTH; i++) {
        double x = s.x[i];
        s.x[i] = x + step;
        double above = support_differentiate(&s, NULL, NULL).loss;
        s.x[i] = x - step;
        double below = support_differentiate(&s, NULL, NULL).loss;
        measured[i] = (above - below) / (2.0 * step);
        s.x[i] = x;
    }
    support_assert_close("d_x", SAMPLES * WIDTH, d_x, measured, 1e-7); /* step^2, and tolerances */
    support_session_close(&s);
}

/* ---- several workers ---- */

typedef struct outcome {
    session_result result;
    double output[SAMPLES * WIDTH], d_x[SAMPLES * WIDTH];
    double *gradient;
    int64_t n;
} outcome;

static outcome run(int workers, const char *device, const char *data)
{
    outcome out;
    support_session s = open_with(workers, device, data);
    assert_int_equal(session_workers(s.session), workers);
    out.result = support_differentiate(&s, out.output, out.d_x);
    out.gradient = support_gradients(&s, &out.n);
    support_session_close(&s);
    return out;
}

static void check_workers(const char *device, const char *data)
{
    static const int counts[] = {2, 3, MANY};
    outcome one = run(1, device, data);
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
        outcome several = run(counts[k], device, data), again = run(counts[k], device, data);
        support_assert_close("loss", 1, &several.result.loss, &one.result.loss, rounding);
        support_assert_close("off", 1, several.result.metrics, one.result.metrics, rounding);
        assert_true(several.result.counted == one.result.counted);
        support_assert_close("output", SAMPLES * WIDTH, several.output, one.output, rounding);
        support_assert_close("d_x", SAMPLES * WIDTH, several.d_x, one.d_x, rounding);
        support_assert_close("gradients", one.n, several.gradient, one.gradient, rounding);
        assert_memory_equal(several.gradient, again.gradient, (size_t)one.n * sizeof *one.gradient);
        mem_free(several.gradient);
        mem_free(again.gradient);
    }
    mem_free(one.gradient);
}

static void test_workers_do_as_one_with_masks(void **state)
{
    (void)state;
    check_workers("run.device=cpu", "data.mask=some");
    check_workers("run.device=remote", "data.mask=some");
    check_workers("run.device=remote(late=yes)", "data.mask=some");
}

static void test_workers_do_as_one_without_masks(void **state)
{
    (void)state;
    check_workers("run.device=cpu", "data.mask=none");
    check_workers("run.device=remote", "data.mask=none");
    check_workers("run.device=remote(late=yes)", "data.mask=none");
}

static double *train(int workers, const char *data, int64_t *n)
{
    support_session s = open_with(workers, data, NULL);
    data_source *source = support_batch_source(&s);
    for (int64_t step = 1; step <= STEPS; step++) {
        int64_t samples = step == STEPS ? SAMPLES - 1 : SAMPLES;
        support_require(session_train(s.session, source, samples, all, 1, step, 1.0, NULL),
                        "train");
    }
    double *out = support_parameters(&s, n);
    data_close(source);
    support_session_close(&s);
    return out;
}

static void test_workers_train_as_one(void **state)
{
    (void)state;
    static const int counts[] = {2, 3, MANY};
    int64_t n;
    double *one = train(1, "data.mask=some", &n);
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
        double *several = train(counts[k], "data.mask=some", &n);
        support_assert_close("parameters", n, several, one, rounding);
        mem_free(several);
    }
    mem_free(one);
}

/* ---- several losses ---- */

#define THREE "train.loss=squared(weight=0.5), mse, l1(weight=3)"

static void test_several_losses_add_up(void **state)
{
    (void)state;
    support_session s = open_with(2, THREE, NULL);
    session_result r = support_differentiate(&s, NULL, NULL);
    static const char *const names[] = {"loss_squared", "loss_mse", "loss_l1", "off", "mae"};
    assert_int_equal(session_metric_count(s.session), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(session_metric_names(s.session)[i], names[i]);
    }
    double sum = r.metrics[0] + r.metrics[1] + r.metrics[2], half = 2.0 * r.metrics[0];
    double thrice = 3.0 * r.metrics[3];
    support_assert_close("loss", 1, &r.loss, &sum, 1e-15);
    support_assert_close("squared and mse", 1, &r.metrics[1], &half, 1e-14);
    support_assert_close("l1", 1, &r.metrics[2], &thrice, 1e-14); /* metrics have no weight */
    support_assert_close("mae", 1, &r.metrics[4], &r.metrics[3], 1e-14);
    support_session_close(&s);
}

static double *gradient_of(const char *loss, int workers, int64_t *n)
{
    support_session s = open_with(workers, loss, NULL);
    (void)support_differentiate(&s, NULL, NULL);
    double *gradient = support_gradients(&s, n);
    support_session_close(&s);
    return gradient;
}

static void test_gradients_of_several_losses_add_up(void **state)
{
    (void)state;
    int64_t n;
    double *sum = gradient_of(THREE, 1, &n);
    double *squared = gradient_of("train.loss=squared", 1, &n);
    double *l1 = gradient_of("train.loss=l1", 1, &n);
    for (int64_t i = 0; i < n; i++) {
        squared[i] = 1.5 * squared[i] + 3.0 * l1[i];
    }
    support_assert_close("gradient", n, sum, squared, rounding);
    for (int workers = 2; workers <= 3; workers++) {
        double *several = gradient_of(THREE, workers, &n);
        support_assert_close("of workers", n, several, sum, rounding);
        mem_free(several);
    }
    mem_free(sum);
    mem_free(squared);
    mem_free(l1);
}

static void expect_refusal(const char *first, const char *second, const char *message)
{
    support_session s;
    const char *overrides[] = {first, second, NULL};
    assert_int_equal(support_session_try(network, SAMPLES, overrides, &s), ODEON_ERR_CONFIG);
    if (strstr(diag_message(), message) == NULL) {
        fail_msg("'%s' has no '%s'", diag_message(), message);
    }
}

static void test_losses_that_cannot_stand_together_are_refused(void **state)
{
    (void)state;
    expect_refusal("train.loss=mse, l1, mse", NULL, "loss: mse is in it twice");
    expect_refusal("train.loss=mse, l1, smooth_l1, squared, cross_entropy", NULL,
                   "5 losses, at most 4 are allowed");
    expect_refusal("train.loss=mse, cross_entropy", "data.mask=none", "labels are not classes");
    expect_refusal("train.loss=mse, l2", NULL, "l2");
}

static void test_accuracy_decides_over_a_loss(void **state)
{
    (void)state;
    const char *name;
    session_result r = {.loss = 2.0, .metrics = {0.75, 0.25}};
    support_session s = open_with(1, NULL, NULL);
    assert_true(session_score(s.session, &r, &name) == -2.0);
    assert_null(name);
    assert_int_equal(session_headline(s.session), 0);
    support_session_close(&s);
    s = open_with(1, THREE, NULL);
    assert_int_equal(session_headline(s.session), 3); /* no loss among several */
    support_session_close(&s);
    static const char *const classes[] = {
        "data.dataset=drawn(shape=3, classes=3)", "train.loss=cross_entropy(weight=2)",
        "model.time.enabled=no", "model.control.enabled=no", NULL};
    s = support_session_open(network, SAMPLES, classes);
    assert_true(session_score(s.session, &r, &name) == 0.75);
    assert_string_equal(name, "accuracy");
    support_session_close(&s);
}

/* ---- times ---- */

/* What every worker answers after a batch of the data set. */
static void check_times(int workers, int64_t odd_one, odeon_status status)
{
    session_result r;
    char *odd = mem_printf("data.odd_one=%d", (int)odd_one);
    support_session s = open_with(workers, odd, NULL);
    data_source *source = support_batch_source(&s);
    support_require(session_evaluate(s.session, source, SAMPLES, all, &r), "evaluate");
    int refused = 0;
    for (int rank = 0; rank < workers; rank++) {
        worker *w = &s.session->workers[rank];
        odeon_layer_call call = worker_call(w, 0);
        const double *times = NULL;
        assert_int_equal(w->site.n_times, 3);
        diag_clear();
        odeon_status answer = batch_times(&call, "ode", &times);
        assert_true(times[0] == 0.0 && times[1] == 0.5 && times[2] == 1.0);
        assert_true(answer == ODEON_OK || answer == status);
        assert_true(answer == ODEON_OK || strstr(diag_message(), "has other times than the first"));
        refused += answer != ODEON_OK;
    }
    assert_int_equal(refused, status == ODEON_OK ? 0 : 1);
    mem_free(odd);
    data_close(source);
    support_session_close(&s);
}

static void test_every_worker_knows_the_times_of_the_batch(void **state)
{
    (void)state;
    check_times(1, -1, ODEON_OK);
    check_times(3, -1, ODEON_OK);
    check_times(MANY, -1, ODEON_OK);
}

static void test_a_sample_with_other_times_is_found_by_its_worker(void **state)
{
    (void)state;
    check_times(1, 4, ODEON_ERR_DATA);
    check_times(3, 4, ODEON_ERR_DATA);
    check_times(MANY, 2, ODEON_ERR_DATA);
}

/* An output at the times of the batch, [B,3,4]; only one worker sees that a sample has others. */
static void test_a_solve_at_other_times_ends_on_all_workers(void **state)
{
    (void)state;
    for (int workers = 1; workers <= MANY; workers += 2) {
        char *count = mem_printf("run.workers=%d", workers);
        const char *const overrides[] = {
            count,
            "data.dataset=measured(shape=3, times=3, label=12, length=5, odd_one=3)",
            "model.time.enabled=no",
            "model.control.layer=flatten",
            "model.out.enabled=no",
            "model.ode.times=batch",
            NULL};
        session_result r;
        support_session s = support_session_open(network, SAMPLES, overrides);
        data_source *source = support_batch_source(&s);
        diag_clear();
        assert_int_equal(session_train(s.session, source, SAMPLES, all, 1, 1, 1.0, &r),
                         ODEON_ERR_DATA);
        if (strstr(diag_message(), "sample 3 of the batch has other times than the first") ==
            NULL) {
            fail_msg("%d workers: %s", workers, diag_message());
        }
        support_require(session_train(s.session, source, 3, all, 1, 1, 1.0, &r), "without it");
        mem_free(count);
        data_close(source);
        support_session_close(&s);
    }
}

static void test_a_data_set_without_times_has_none(void **state)
{
    (void)state;
    support_session s = open_with(1, "data.times=0", "model.time.enabled=no");
    (void)support_differentiate(&s, NULL, NULL);
    odeon_layer_call call = worker_call(&s.session->workers[0], 0);
    const double *times = NULL;
    assert_int_equal(s.session->workers[0].site.n_times, 0);
    assert_int_equal(batch_times(&call, "ode", &times), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "ode: the batch has no times"));
    assert_null(call.batch_field(&call, ODEON_ROLE_TIME));
    assert_null(call.batch_field(&call, ODEON_ROLE_LABEL));
    support_session_close(&s);
}

/* ---- shapes ---- */

static void test_an_output_that_does_not_fit_the_label_is_refused(void **state)
{
    (void)state;
    expect_refusal("model.out.units=2", "model.control.enabled=no",
                   "the network makes [2] of a sample, but the data set's labels are [3]");
    expect_refusal("data.label=3 1", NULL,
                   "the network makes [3] of a sample, but the data set's labels are [3, 1]");
    expect_refusal("train.loss=cross_entropy", NULL,
                   "cross_entropy: the data set's labels are not classes");
    expect_refusal("train.loss=cross_entropy", "data.mask=none",
                   "the data set's labels are not classes");
}

static void test_one_number_a_sample_fits_one_output(void **state)
{
    (void)state;
    static const char *const overrides[] = {"data.dataset=measured(shape=3, control=1, length=5)",
                                            "model.time.enabled=no", "model.out.units=1", NULL};
    support_session s = support_session_open(network, SAMPLES, overrides);
    session_result r = support_differentiate(&s, NULL, NULL);
    assert_true(r.counted == SAMPLES && r.loss > 0.0);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_is_the_mean_over_what_the_mask_leaves),
        cmocka_unit_test(test_loss_without_a_mask_is_the_mean_over_all_elements),
        cmocka_unit_test(test_a_batch_of_which_nothing_counts_changes_nothing),
        cmocka_unit_test(test_gradient_is_the_derivative),
        cmocka_unit_test(test_workers_do_as_one_with_masks),
        cmocka_unit_test(test_workers_do_as_one_without_masks),
        cmocka_unit_test(test_workers_train_as_one),
        cmocka_unit_test(test_several_losses_add_up),
        cmocka_unit_test(test_gradients_of_several_losses_add_up),
        cmocka_unit_test(test_losses_that_cannot_stand_together_are_refused),
        cmocka_unit_test(test_accuracy_decides_over_a_loss),
        cmocka_unit_test(test_every_worker_knows_the_times_of_the_batch),
        cmocka_unit_test(test_a_sample_with_other_times_is_found_by_its_worker),
        cmocka_unit_test(test_a_solve_at_other_times_ends_on_all_workers),
        cmocka_unit_test(test_a_data_set_without_times_has_none),
        cmocka_unit_test(test_an_output_that_does_not_fit_the_label_is_refused),
        cmocka_unit_test(test_one_number_a_sample_fits_one_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
