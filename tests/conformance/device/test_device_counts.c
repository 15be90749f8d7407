/* How often a step of training asks the device for something, as integers: launches in proportion
 * to the steps of a solve, waits only where the host decides, and no allocation. */
#include <stdio.h>

#include "base/mem.h"
#include "odeon/device_ext.h"
#include "odeon/device_solver.h"
#include "session/members.h"
#include "support_session.h"

/* A field of two layers, so that its evaluation is few launches. */
static const char field[] = "[run]\nname = test\ndevice = remote\ndtype = float32\nworkers = 1\n"
                            "[data]\ndataset = drawn(shape=6, classes=3, length=16)\n"
                            "[model.ode]\nlayer = ode\nintegrator = rk4\ngradient = direct\n"
                            "[model.ode.a]\nlayer = dense(units=state)\nthen = tanh\n"
                            "[model.head]\nlayer = dense(units=classes)\n"
                            "[train]\nloss = cross_entropy\noptimizer = adam(lr=1e-4)\n";

/* Convolutions on a device that has the fused operators. */
static const char images[] = "[run]\nname = test\ndevice = cpu\ndtype = float32\nworkers = 1\n"
                             "[data]\ndataset = drawn(shape=2 6 6, classes=3, length=16)\n"
                             "[model.first]\nlayer = conv2d(filters=3, kernel=3)\n"
                             "[model.second]\nlayer = conv2d(filters=3, kernel=3)\nthen = flatten\n"
                             "[model.head]\nlayer = dense(units=classes)\n"
                             "[train]\nloss = cross_entropy\noptimizer = adam(lr=1e-4)\n";

static const char layers[] = "[run]\nname = test\ndevice = cpu\ndtype = float32\nworkers = 1\n"
                             "[data]\ndataset = drawn(shape=6, classes=3, length=16)\n"
                             "[model.first]\nlayer = dense(units=5)\nthen = relu\n"
                             "[model.second]\nlayer = dense(units=4)\nthen = tanh\n"
                             "[model.head]\nlayer = dense(units=classes)\n"
                             "[train]\nloss = cross_entropy\noptimizer = adam(lr=1e-4)\n";

enum { SAMPLES = 8 };

typedef struct counts {
    int64_t launches, waits, allocs;
    int64_t accepted, rejected;
    double drift;
} counts;

static counts read_counts(const support_session *s)
{
    counts c = {0};
    int64_t live;
    const odeon_device *device = s->session->model.device;
    const odeon_device_counters *counters = device->get_table(device, ODEON_DEVICE_COUNTERS);
    counters->read(device->handle, &c.launches, &c.waits, &c.allocs, &live);
    return c;
}

/* What the third step of training asks for; the first allocates and packs. */
static counts third_step_of(const char *network, const char *const *overrides)
{
    static const int64_t indices[SAMPLES] = {7, 3, 0, 12, 5, 1, 9, 2};
    support_session s = support_session_open(network, SAMPLES, overrides);
    data_source *source = support_batch_source(&s);
    session_result result = {0};
    counts before = {0}, after;
    for (int64_t step = 1; step <= 3; step++) {
        before = read_counts(&s);
        support_require(session_train(s.session, source, SAMPLES, indices, 1, step, 1.0, &result),
                        "train");
    }
    after = read_counts(&s);
    after.launches -= before.launches;
    after.waits -= before.waits;
    after.allocs -= before.allocs;
    assert_int_equal(after.launches, result.device.launches); /* as the metrics have it */
    assert_int_equal(after.waits, result.device.waits);
    assert_int_equal(after.allocs, result.device.allocs);
    if (result.n_blocks > 0) {
        after.accepted = result.blocks[0].accepted;
        after.rejected = result.blocks[0].rejected;
        after.drift = result.blocks[0].drift;
    }
    data_close(source);
    support_session_close(&s);
    return after;
}

static counts third_step(const char *const *overrides)
{
    return third_step_of(field, overrides);
}

static const char *const devices[] = {"run.device=remote", "run.device=remote(late=yes)"};
enum { N_DEVICES = 2 };

static counts fixed_steps(const char *device, const char *capture, const char *gradient, int steps)
{
    char *count = mem_printf("model.ode.steps=%d", steps);
    counts c = third_step((const char *[]){device, capture, gradient, count, NULL});
    assert_int_equal(c.accepted, steps);
    mem_free(count);
    return c;
}

/* Launches are all + each * steps. */
static void check_fixed(const char *capture, const char *gradient, int64_t all, int64_t each,
                        int64_t waits)
{
    static const int steps[] = {1, 2, 7};
    for (size_t i = 0; i < sizeof steps / sizeof *steps * N_DEVICES; i++) {
        int n = steps[i / N_DEVICES];
        counts c = fixed_steps(devices[i % N_DEVICES], capture, gradient, n);
        assert_int_equal(c.launches, all + each * n);
        assert_int_equal(c.waits, waits);
        assert_int_equal(c.allocs, 0);
    }
}

/* The update of all four parameters is one launch. One wait is the batch's, for loss, gradient norm
 * and drift at once; none is a step's. */
static void test_direct_waits_once_for_any_number_of_steps(void **state)
{
    (void)state;
    check_fixed("run.capture=no", "model.ode.gradient=direct", 9 + 4, 22, 1);
}

static void test_adjoint_waits_once_for_any_number_of_steps(void **state)
{
    (void)state;
    check_fixed("run.capture=no", "model.ode.gradient=adjoint", 18 + 4, 32, 1);
}

/* What stands outside of the solves, and one launch for each of the two. */
static void test_recorded_solve_is_one_launch_for_any_number_of_steps(void **state)
{
    (void)state;
    check_fixed("run.capture=yes", "model.ode.gradient=direct", 9 + 2, 0, 1);
    check_fixed("run.capture=yes", "model.ode.gradient=adjoint", 18 + 2, 0, 1);
}

/* Of all intervals but the last in time, the first that is solved backward, the drift is next to
 * nothing. It is the largest even though it is read before most of the others are measured. */
static void test_adjoint_through_many_times_reads_its_drifts_together(void **state)
{
    enum { SHORT = 150, MOST = (ODEON_SLOTS - 2) / 2 };
    char times[SHORT * 16 + 32];
    size_t n = (size_t)sprintf(times, "model.ode.times=0");
    (void)state;
    for (int i = 1; i <= SHORT; i++) {
        n += (size_t)sprintf(times + n, " %de-9", i);
    }
    (void)sprintf(times + n, " 1");
    for (int i = 0; i < N_DEVICES; i++) {
        counts c = third_step((const char *[]){
            devices[i], "run.capture=no", "model.ode.gradient=adjoint", "model.ode.steps=1", times,
            "model.head.layer=flatten", "model.head.then=dense(units=classes)", NULL});
        assert_int_equal(c.waits, 1 + SHORT / MOST);
        assert_int_equal(c.allocs, 0);
        assert_true(c.drift > 1e-7 && c.drift < 1e-2); /* of one step of rk4 */
    }
}

static void test_masks_and_times_of_a_batch_cost_no_wait(void **state)
{
    (void)state;
    for (int i = 0; i < N_DEVICES; i++) {
        counts c = third_step((const char *[]){
            devices[i], "run.capture=no", "model.ode.steps=2", "model.ode.times=batch",
            "model.ode.initial=first", "model.head.enabled=no", "train.loss=mse",
            "data.dataset=measured(shape=4 3, label=4 3, times=4, mask=some, length=16)", NULL});
        assert_int_equal(c.accepted, 6); /* two steps in each of three intervals */
        assert_int_equal(c.waits, 1);
        assert_int_equal(c.allocs, 0);
    }
}

static void test_evaluation_waits_once_with_what_blocks_measure(void **state)
{
    static const int64_t indices[SAMPLES] = {7, 3, 0, 12, 5, 1, 9, 2};
    (void)state;
    for (int i = 0; i < N_DEVICES; i++) {
        support_session s = support_session_open(
            field, SAMPLES, (const char *[]){devices[i], "model.ode.steps=2", NULL});
        data_source *source = support_batch_source(&s);
        session_result result = {0};
        for (int k = 0; k < 3; k++) {
            support_require(session_evaluate(s.session, source, SAMPLES, indices, &result),
                            "evaluate");
        }
        assert_int_equal(result.device.waits, 1);
        assert_int_equal(result.device.allocs, 0);
        assert_true(result.blocks[0].share > 0.0);
        data_close(source);
        support_session_close(&s);
    }
}

static counts adaptive_steps(const char *device, const char *capture, const char *gradient,
                             const char *rtol, const char *end)
{
    return third_step((const char *[]){device, capture, gradient, rtol, "model.ode.atol=1e-5",
                                       "model.ode.integrator=tsit5", end, NULL});
}

/* The host looks at the slots at the start, and after every trial. */
static void test_adaptive_steps_wait_once_a_trial(void **state)
{
    (void)state;
    for (int i = 0; i < N_DEVICES; i++) {
        counts c = adaptive_steps(devices[i], "run.capture=no", "model.ode.gradient=direct",
                                  "model.ode.rtol=1e-5", "model.ode.end=clip");
        assert_true(c.accepted > 2);
        assert_int_equal(c.waits, 1 + 1 + c.accepted + c.rejected);
        assert_int_equal(c.allocs, 0);
    }
}

static void check_adaptive(const char *gradient, const char *end, int64_t launches, int64_t waits)
{
    static const char *const rtol[] = {"model.ode.rtol=1e-3", "model.ode.rtol=1e-6"};
    int64_t steps[2];
    for (int i = 0; i < 2 * N_DEVICES; i++) {
        counts c = adaptive_steps(devices[i % N_DEVICES], "run.capture=yes", gradient,
                                  rtol[i / N_DEVICES], end);
        assert_int_equal(c.launches, launches);
        assert_int_equal(c.waits, waits);
        assert_int_equal(c.allocs, 0);
        steps[i / N_DEVICES] = c.accepted;
    }
    assert_true(steps[1] > steps[0]);
}

/* Two launches a solve, for slots and for all else. The host then waits for slots and log; of a
 * walk back it knows beforehand how long it is. */
static void test_captured_adaptive_solve_waits_once_for_any_number_of_steps(void **state)
{
    (void)state;
    check_adaptive("model.ode.gradient=direct", "model.ode.end=clip", 9 + 2 * 2, 1 + 1);
    check_adaptive("model.ode.gradient=adjoint", "model.ode.end=clip", 18 + 2 * 2, 1 + 2);
}

/* A third launch reads the end off the last step; or it brings the weights that it was read by. */
static void test_captured_solve_that_ends_within_a_step_is_three_launches(void **state)
{
    (void)state;
    check_adaptive("model.ode.gradient=direct", "model.ode.end=interpolate", 9 + 2 * 3, 1 + 1);
    check_adaptive("model.ode.gradient=adjoint", "model.ode.end=interpolate", 18 + 2 * 3, 1 + 2);
}

static void test_function_behind_a_convolution_takes_no_launch(void **state)
{
    (void)state;
    counts without = third_step_of(images, (const char *[]){NULL});
    counts with = third_step_of(images, (const char *[]){"model.first.then=relu", NULL});
    assert_int_equal(with.launches, without.launches);
}

/* Third steps of a block with these layers in its body, in place of its own. */
static const char timed[] =
    "[run]\nname = test\ndevice = cpu\ndtype = float32\nworkers = 1\n"
    "[data]\ndataset = drawn(shape=2 6 6, classes=3, length=16)\n"
    "[model.ode]\nlayer = ode\nintegrator = rk4\nsteps = 1\ngradient = direct\n"
    "[model.ode.a]\nlayer = conv2d(filters=state, kernel=3, padding=1)\n"
    "[model.head]\nlayer = flatten\nthen = dense(units=classes)\n"
    "[train]\nloss = cross_entropy\noptimizer = adam(lr=1e-4)\n";

/* The channel of the time is not made: four evaluations and their vjps are as many calls as of a
 * convolution with the option. */
static void test_time_channel_before_a_convolution_takes_no_launch(void **state)
{
    (void)state;
    counts option = third_step_of(
        timed, (const char *[]){"model.ode.a.layer=conv2d(filters=state, kernel=3, padding=1, "
                                "time=last)",
                                NULL});
    counts layer = third_step_of(
        timed,
        (const char *[]){"model.ode.a.layer=concat_time",
                         "model.ode.a.then=conv2d(filters=state, kernel=3, padding=1)", NULL});
    assert_int_equal(layer.launches, option.launches);
}

/* Of a batch norm between convolutions the forward pass measures the batch alone, and the vjp is
 * sums and what follows from them, whatever function stands behind it. */
static void test_batch_norm_before_a_convolution_writes_nothing(void **state)
{
    (void)state;
    counts norm = third_step_of(images, (const char *[]){"model.first.then=batchnorm", NULL});
    counts both = third_step_of(images, (const char *[]){"model.first.then=batchnorm, relu", NULL});
    counts last =
        third_step_of(images, (const char *[]){"model.second.then=batchnorm, relu, flatten", NULL});
    assert_int_equal(both.launches, norm.launches);
    assert_int_equal(last.launches, norm.launches + 1); /* before flatten it is written */
}

/* Its product with bias and function, and all its gradients. */
static void test_dense_layer_is_two_launches(void **state)
{
    (void)state;
    counts with = third_step_of(layers, (const char *[]){NULL});
    counts without = third_step_of(layers, (const char *[]){"model.second.enabled=no", NULL});
    assert_int_equal(with.launches, without.launches + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_function_behind_a_convolution_takes_no_launch),
        cmocka_unit_test(test_time_channel_before_a_convolution_takes_no_launch),
        cmocka_unit_test(test_batch_norm_before_a_convolution_writes_nothing),
        cmocka_unit_test(test_dense_layer_is_two_launches),
        cmocka_unit_test(test_direct_waits_once_for_any_number_of_steps),
        cmocka_unit_test(test_adjoint_waits_once_for_any_number_of_steps),
        cmocka_unit_test(test_adjoint_through_many_times_reads_its_drifts_together),
        cmocka_unit_test(test_masks_and_times_of_a_batch_cost_no_wait),
        cmocka_unit_test(test_evaluation_waits_once_with_what_blocks_measure),
        cmocka_unit_test(test_recorded_solve_is_one_launch_for_any_number_of_steps),
        cmocka_unit_test(test_adaptive_steps_wait_once_a_trial),
        cmocka_unit_test(test_captured_adaptive_solve_waits_once_for_any_number_of_steps),
        cmocka_unit_test(test_captured_solve_that_ends_within_a_step_is_three_launches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
