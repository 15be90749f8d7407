/* batchnorm: what moves its running state, and what evaluation makes of it. */
#include "layer_harness.h"

#include <math.h>

#include "base/mem.h"
#include "odeon/device_pointwise.h"
#include "plugin/registry.h"

enum { B = 4, C = 2, SIZE = B * C };
static const int64_t dims[] = {B, C};
static const double values[SIZE] = {1.0, -1.0, 2.0, 0.5, 4.0, -3.0, 5.0, 1.5};
static const double means[C] = {3.0, -0.5}, variances[C] = {2.5, 2.875}; /* biased */

static registry *plugins;
static support_device device;

static int open_device(void **state)
{
    (void)state;
    plugins = support_registry();
    device = support_device_open(plugins, "cpu", ODEON_DTYPE_F64);
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    support_device_close(&device);
    registry_destroy(plugins);
    return 0;
}

static layer_harness open_norm(const char *expression)
{
    layer_harness h = layer_harness_open(plugins, &device, expression, 2, dims, LAYER_NO_TIME);
    layer_harness_set(&h, &h.in, values);
    return h;
}

static void assert_state(layer_harness *h, int32_t index, double first, double second)
{
    double *state = support_download(&device, &h->param[h->n_params + index].view);
    /* a few operations on numbers of size 1 */
    support_assert_close(h->info[h->n_params + index].name, C, state,
                         (const double[]){first, second}, 1e-15);
    mem_free(state);
}

static void test_state_follows_the_batch_where_it_may_move(void **state)
{
    (void)state;
    layer_harness h = open_norm("batchnorm(momentum=0.25, affine=no)");
    h.flags = ODEON_CALL_TRAIN | ODEON_CALL_UPDATE_STATE;
    assert_int_equal(layer_harness_forward(&h, 0, ODEON_UNARY_IDENTITY), ODEON_OK);
    double unbiased = (double)B / (B - 1);
    assert_state(&h, 0, 0.25 * means[0], 0.25 * means[1]);
    assert_state(&h, 1, 0.75 + 0.25 * unbiased * variances[0],
                 0.75 + 0.25 * unbiased * variances[1]);
    layer_harness_close(&h);
}

static void test_state_stays_where_an_evaluation_is_repeated(void **state)
{
    (void)state;
    layer_harness h = open_norm("batchnorm(affine=no)");
    assert_int_equal(layer_harness_forward(&h, 0, ODEON_UNARY_IDENTITY), ODEON_OK);
    assert_state(&h, 0, 0.0, 0.0);
    assert_state(&h, 1, 1.0, 1.0);
    layer_harness_close(&h);
}

static void test_state_stays_in_evaluation(void **state)
{
    (void)state;
    layer_harness h = open_norm("batchnorm(affine=no)");
    h.flags = ODEON_CALL_UPDATE_STATE;
    assert_int_equal(layer_harness_forward(&h, 0, ODEON_UNARY_IDENTITY), ODEON_OK);
    assert_state(&h, 0, 0.0, 0.0);
    assert_state(&h, 1, 1.0, 1.0);
    layer_harness_close(&h);
}

/* y = (x - running mean) / sqrt(running variance + epsilon), a line with that slope. */
static void test_evaluation_uses_the_running_state(void **state)
{
    (void)state;
    const double running_mean[C] = {0.5, -2.0}, running_var[C] = {4.0, 0.25};
    layer_harness h = open_norm("batchnorm(affine=no, epsilon=0.75)");
    layer_harness_set(&h, &h.param[0], running_mean);
    layer_harness_set(&h, &h.param[1], running_var);
    layer_harness_randomize(&h, &h.d_out, 1, 1.0);
    h.flags = 0;
    assert_int_equal(layer_harness_forward(&h, LAYER_KEEP, ODEON_UNARY_IDENTITY), ODEON_OK);
    assert_int_equal(layer_harness_vjp(&h, LAYER_ALL), ODEON_OK);
    double y[SIZE], slope[SIZE], *d_out = support_download(&device, &h.d_out.view);
    for (int i = 0; i < SIZE; i++) {
        double rstd = 1.0 / sqrt(running_var[i % C] + 0.75);
        y[i] = (values[i] - running_mean[i % C]) * rstd;
        slope[i] = rstd * d_out[i];
    }
    double *out = support_download(&device, &h.out.view),
           *d_in = support_download(&device, &h.d_in.view);
    support_assert_close("out", SIZE, out, y, 1e-15); /* three roundings */
    support_assert_close("d_in", SIZE, d_in, slope, 1e-15);
    mem_free(out);
    mem_free(d_in);
    mem_free(d_out);
    layer_harness_close(&h);
}

static uint32_t planned_flags(uint32_t mode)
{
    layer_harness h = open_norm("batchnorm");
    odeon_layer_plan plan = {.struct_size = sizeof plan,
                             .call_flags = mode,
                             .device = device.device,
                             .in = h.in.view.shape};
    assert_int_equal(h.ops->plan(h.layer->self, &plan), ODEON_OK);
    layer_harness_close(&h);
    return plan.flags;
}

static void test_samples_meet_in_training_alone(void **state)
{
    (void)state;
    assert_true((planned_flags(ODEON_CALL_TRAIN) & ODEON_LAYER_BATCH_COUPLED) != 0);
    assert_true((planned_flags(0) & ODEON_LAYER_BATCH_COUPLED) == 0);
}

static void test_one_number_a_channel_is_refused_in_training(void **state)
{
    (void)state;
    const int64_t one[] = {1, C};
    layer_harness h = layer_harness_open(plugins, &device, "batchnorm", 2, one, LAYER_NO_TIME);
    layer_harness_set(&h, &h.in, values);
    assert_int_equal(layer_harness_forward(&h, 0, ODEON_UNARY_IDENTITY), ODEON_ERR_CONFIG);
    h.flags = 0;
    assert_int_equal(layer_harness_forward(&h, 0, ODEON_UNARY_IDENTITY), ODEON_OK);
    layer_harness_close(&h);
}

/* ---- collectives ---- */

typedef struct twins {
    int32_t sums; /* collectives so far */
} twins;

/* The other of two workers has the same numbers. */
static odeon_status sum_twins(void *self, odeon_queue *queue, const odeon_tensor *x,
                              odeon_status mine)
{
    twins *t = self;
    double *values_of_x = odeon_write(x);
    (void)queue;
    for (int64_t i = 0; i < odeon_count(&x->view.shape); i++) {
        values_of_x[i] *= 2.0;
    }
    t->sums++;
    return mine;
}

/* Two workers with one slice each have the statistics of one with that slice. */
static void count_collectives(uint32_t dtype, int32_t forward, double tolerance)
{
    support_device own = support_device_open(plugins, "cpu", dtype);
    layer_harness h =
        layer_harness_open(plugins, &own, "batchnorm(affine=no)", 2, dims, LAYER_NO_TIME);
    twins pair = {0};
    const odeon_group group = {
        .struct_size = sizeof group, .size = 2, .self = &pair, .sum = sum_twins};
    double far[SIZE];
    for (int i = 0; i < SIZE; i++) {
        far[i] = 100.0 + values[i];
    }
    layer_harness_set(&h, &h.in, far);
    layer_harness_randomize(&h, &h.d_out, 1, 1.0);
    assert_int_equal(layer_harness_forward(&h, 0, ODEON_UNARY_IDENTITY), ODEON_OK);
    double *alone = support_download(&own, &h.out.view);
    h.group = &group;
    h.n_global = 2 * B;
    assert_int_equal(layer_harness_forward(&h, LAYER_KEEP, ODEON_UNARY_IDENTITY), ODEON_OK);
    assert_int_equal(pair.sums, forward);
    double *together = support_download(&own, &h.out.view);
    support_assert_close("out", SIZE, together, alone, tolerance);
    assert_int_equal(layer_harness_vjp(&h, LAYER_ALL), ODEON_OK);
    assert_int_equal(pair.sums, forward + 1);
    mem_free(alone);
    mem_free(together);
    layer_harness_close(&h);
    support_device_close(&own);
}

/* float64 takes the mean first. A float32 near 100 is rounded to 4e-6, which is the size of the
 * tolerance; in double nothing but the last digits change. */
static void test_float32_takes_one_collective_a_direction(void **state)
{
    (void)state;
    count_collectives(ODEON_DTYPE_F32, 1, 1e-6);
    count_collectives(ODEON_DTYPE_F64, 2, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_follows_the_batch_where_it_may_move),
        cmocka_unit_test(test_state_stays_where_an_evaluation_is_repeated),
        cmocka_unit_test(test_state_stays_in_evaluation),
        cmocka_unit_test(test_evaluation_uses_the_running_state),
        cmocka_unit_test(test_samples_meet_in_training_alone),
        cmocka_unit_test(test_one_number_a_channel_is_refused_in_training),
        cmocka_unit_test(test_float32_takes_one_collective_a_direction),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
