/* What a run holds: the adjoint the same however many steps, direct in proportion to them; and
 * nothing is allocated once a batch size has been seen. */
#include <string.h>

#include "base/mem.h"
#include "odeon/device_ext.h"
#include "session/members.h"
#include "support_session.h"

static const char network[] =
    "[run]\nname = test\ndevice = cpu\ndtype = float32\nworkers = 2\n"
    "[data]\ndataset = drawn(shape=2 6 6, classes=3, length=16)\n"
    "[model.ode]\nlayer = ode(rtol=1e-3, atol=1e-3)\nintegrator = tsit5\ngradient = direct\n"
    "[model.ode.time]\nlayer = concat_time\n"
    "[model.ode.a]\nlayer = conv2d(filters=state, kernel=3, padding=1)\n"
    "then = groupnorm(groups=1), tanh\n"
    "[model.flat]\nlayer = flatten\n"
    "[model.head]\nlayer = dense(units=classes)\n"
    "[train]\nloss = cross_entropy\noptimizer = adam(lr=1e-4)\n";

enum { SAMPLES = 8, TAIL = 3, MAX_OVERRIDES = 4 };

/* ---- growth with the number of steps ---- */

static int64_t bytes_with(const char *gradient, const char *integrator, int steps,
                          const char *further)
{
    char *count = mem_printf("model.ode.steps=%d", steps);
    const char *overrides[] = {gradient, integrator, count, further, NULL};
    support_session s = support_session_open(network, SAMPLES, overrides);
    int64_t bytes = support_differentiate(&s, NULL, NULL).blocks[0].bytes;
    support_session_close(&s);
    mem_free(count);
    return bytes;
}

static int64_t bytes_of(const char *gradient, const char *integrator, int steps)
{
    return bytes_with(gradient, integrator, steps, NULL);
}

static const char *const methods[] = {"model.ode.integrator=rk4",
                                      "model.ode.integrator=adams_bashforth"};

static void test_adjoint_holds_the_same_for_any_number_of_steps(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        int64_t few = bytes_of("model.ode.gradient=adjoint", methods[i], 10);
        assert_true(few > 0);
        assert_int_equal(bytes_of("model.ode.gradient=adjoint", methods[i], 100), few);
        assert_int_equal(bytes_of("model.ode.gradient=adjoint", methods[i], 1000), few);
    }
}

/* Ten times, and steps in each interval: what is held beside the records is the outputs'. */
static void test_adjoint_holds_no_steps_between_many_times(void **state)
{
    (void)state;
    static const char times[] = "model.ode.times=linspace(0 1 10)";
    int64_t plain = bytes_of("model.ode.gradient=adjoint", methods[0], 10);
    int64_t few = bytes_with("model.ode.gradient=adjoint", methods[0], 1, times);
    assert_int_equal(bytes_with("model.ode.gradient=adjoint", methods[0], 100, times), few);
    /* y and dL/dy at all times, float32, and a little to begin each at a round address */
    int64_t state_bytes = SAMPLES * 2 * 6 * 6 * 4, rows = 2 * 10 * state_bytes;
    assert_true(few - plain >= rows && few - plain <= rows + 4096);
}

static void test_direct_holds_in_proportion_to_the_steps(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        int64_t few = bytes_of("model.ode.gradient=direct", methods[i], 10);
        int64_t more = bytes_of("model.ode.gradient=direct", methods[i], 100);
        int64_t many = bytes_of("model.ode.gradient=direct", methods[i], 1000);
        double ratio = (double)(many - more) / (double)(more - few);
        print_message("%s: %lld, %lld, %lld bytes: ratio %.3f\n", methods[i], (long long)few,
                      (long long)more, (long long)many, ratio);
        /* 900 steps to 90; lists of records grow ahead of their use */
        assert_true(ratio > 9.6 && ratio < 10.4);
    }
}

/* ---- allocations ---- */

typedef struct counts {
    int64_t host, device;
} counts;

static counts count(const support_session *s)
{
    const odeon_device *device = s->session->model.device;
    const odeon_device_counters *counters = device->get_table(device, ODEON_DEVICE_COUNTERS);
    int64_t launches, waits, live;
    counts out = {.host = mem_total_allocs()};
    assert_non_null(counters);
    counters->read(device->handle, &launches, &waits, &out.device, &live);
    assert_true(launches > 0);
    return out;
}

static int64_t train(support_session *s, data_source *source, int64_t n, int64_t step)
{
    static const int64_t indices[SAMPLES] = {7, 3, 0, 12, 5, 1, 9, 2};
    session_result result;
    support_require(session_train(s->session, source, n, indices, 1, step, 1.0, &result), "train");
    return result.blocks[0].accepted + result.blocks[0].rejected;
}

/* Ten batches, of which every other one is a tail and every fifth is evaluated as well: the first
 * of each kind allocates, the others do not. */
static void check_settles(const char *const *overrides)
{
    support_session s = support_session_open(network, SAMPLES, overrides);
    data_source *source = support_batch_source(&s);
    static const int64_t indices[SAMPLES] = {4, 6, 8, 10, 11, 13, 14, 15};
    session_result result;
    counts before = {0};
    for (int64_t step = 1; step <= 10; step++) {
        int64_t steps = train(&s, source, step % 2 == 0 ? TAIL : SAMPLES, step);
        assert_true(steps > 0);
        if (step % 5 == 2) {
            support_require(session_evaluate(s.session, source, SAMPLES, indices, &result),
                            "evaluate");
        }
        counts now = count(&s);
        if (step > 2 && (now.host != before.host || now.device != before.device)) {
            fail_msg("%s, %s: step %lld allocated %lld times on the host, %lld on the device",
                     overrides[0], overrides[1], (long long)step,
                     (long long)(now.host - before.host), (long long)(now.device - before.device));
        }
        before = now;
    }
    data_close(source);
    support_session_close(&s);
}

static void check_all(const char *steps)
{
    static const char *const gradients[] = {"model.ode.gradient=direct",
                                            "model.ode.gradient=adjoint",
                                            "model.ode.gradient=adjoint(norm=full)"};
    static const char *const devices[] = {"run.device=cpu", "run.device=remote"};
    for (int i = 0; i < 6; i++) {
        check_settles((const char *[]){gradients[i % 3], devices[i / 3], steps, NULL});
    }
}

static void test_training_settles_with_adaptive_steps(void **state)
{
    (void)state;
    check_all(NULL);
}

static void test_training_settles_with_an_interpolated_end(void **state)
{
    (void)state;
    check_all("model.ode.control=torchdiffeq");
}

/* Read off dense output, met by cut steps, and on a grid. */
static void test_training_settles_with_many_times(void **state)
{
    (void)state;
    static const char *const ways[] = {"model.ode.control=torchdiffeq",
                                       "model.ode.integrator=scripted", "model.ode.step_size=0.15"};
    static const char *const gradients[] = {"model.ode.gradient=direct",
                                            "model.ode.gradient=adjoint"};
    for (int i = 0; i < 6; i++) {
        check_settles((const char *[]){gradients[i % 2],
                                       i < 3 ? "run.device=cpu" : "run.device=remote", ways[i / 2],
                                       "model.ode.times=linspace(0 1 7)", NULL});
    }
}

static void test_training_settles_with_fixed_steps(void **state)
{
    (void)state;
    check_all("model.ode.steps=5");
}

static void test_training_settles_with_a_method_in_verbs(void **state)
{
    (void)state;
    const char *const gradients[] = {"model.ode.gradient=direct", "model.ode.gradient=adjoint"};
    for (int i = 0; i < 2; i++) {
        check_settles((const char *[]){gradients[i], "model.ode.integrator=adams_bashforth",
                                       "model.ode.steps=9", NULL});
        check_settles((const char *[]){gradients[i], "model.ode.integrator=scripted", NULL});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adjoint_holds_the_same_for_any_number_of_steps),
        cmocka_unit_test(test_adjoint_holds_no_steps_between_many_times),
        cmocka_unit_test(test_direct_holds_in_proportion_to_the_steps),
        cmocka_unit_test(test_training_settles_with_adaptive_steps),
        cmocka_unit_test(test_training_settles_with_an_interpolated_end),
        cmocka_unit_test(test_training_settles_with_many_times),
        cmocka_unit_test(test_training_settles_with_fixed_steps),
        cmocka_unit_test(test_training_settles_with_a_method_in_verbs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
