/* Gradients through outputs at many times: `direct` against central differences of the same steps,
 * for every way in which a time can be met; `adjoint` against `direct`; and both the same however
 * many workers there are. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "support_session.h"

/* A smooth field that depends on time between layers with parameters; every output counts. */
static const char network[] =
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"
    "[data]\ndataset = idx(path=/nowhere, shape=1 2 2, classes=3)\n"
    "[model.flat]\nlayer = flatten\n"
    "[model.stem]\nlayer = dense(units=3)\nthen = tanh\n"
    "[model.ode]\nlayer = ode\nintegrator = dopri5\ngradient = direct\n"
    "[model.ode.time]\nlayer = concat_time(at=first)\n"
    "[model.ode.a]\nlayer = dense(units=4)\nthen = tanh\n"
    "[model.ode.b]\nlayer = dense(units=state)\nthen = softplus\n"
    "[model.rows]\nlayer = flatten\n"
    "[model.head]\nlayer = dense(units=classes)\n"
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

enum { SAMPLES = 3, MAX_OVERRIDES = 10 };

static double gap_of(const char *const *overrides, int64_t *accepted)
{
    support_session s = support_session_open(network, SAMPLES, overrides);
    double gap = support_gradient_gap(&s);
    *accepted = support_differentiate(&s, NULL, NULL).blocks[0].accepted;
    support_session_close(&s);
    return gap;
}

/* ---- direct ---- */

static void check_direct(int64_t steps, const char *const *overrides)
{
    int64_t accepted;
    double gap = gap_of(overrides, &accepted);
    print_message("%s: distance to central differences %.2e\n", overrides[0], gap);
    assert_int_equal(accepted, steps);
    assert_true(gap <= 1e-7); /* central differences are good for no more */
}

static void test_direct_is_exact_for_steps_per_interval(void **state)
{
    (void)state;
    check_direct(8, (const char *[]){"model.ode.times=0.2 0.5 1.5 1.75 2", "model.ode.steps=2",
                                     "model.ode.integrator=rk4", NULL});
}

static void test_direct_is_exact_on_a_grid(void **state)
{
    (void)state;
    check_direct(6, (const char *[]){"model.ode.times=1 0.9 0.25 -0.1", "model.ode.step_size=0.3",
                                     "model.ode.integrator=tsit5", NULL});
}

/* The method starts anew wherever a time shortens a step. */
static void test_direct_is_exact_for_equal_steps_that_are_cut(void **state)
{
    (void)state;
    check_direct(8, (const char *[]){"model.ode.times=0 0.5 0.6 1", "model.ode.step_size=0.15",
                                     "model.ode.integrator=adams_bashforth(order=2)", NULL});
}

/* A list of steps in a file: its name; unlink and mem_free it. */
static char *list_of(const char *lines)
{
    char *path = mem_strdup("/tmp/odeon_steps_XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, lines, strlen(lines)), (ssize_t)strlen(lines));
    (void)close(fd);
    return path;
}

static void check_replay(const char *times, const char *integrator, const char *path, int64_t steps)
{
    static const char *const ends[] = {"model.ode.end=clip", "model.ode.end=interpolate"};
    char *control = mem_printf("model.ode.control=replay(path=%s)", path);
    for (int e = 0; e < (strstr(integrator, "scripted") == NULL ? 2 : 1); e++) {
        check_direct(steps, (const char *[]){times, control, ends[e], integrator, NULL});
    }
    mem_free(control);
}

/* One time at a step's own end and others inside of steps, three of them inside one. */
static void test_direct_is_exact_at_ends_and_within(void **state)
{
    (void)state;
    char *path = list_of("t,h\n0,0.25\n0.25,0.25\n0.5,0.5\n");
    static const char dopri5[] = "model.ode.integrator=dopri5";
    check_replay("model.ode.times=0 0.25 0.3 0.55 0.7 0.9 1", dopri5, path, 3);
    check_replay("model.ode.times=0 0.1 0.25 0.5 1", dopri5, path, 3);
    check_replay("model.ode.times=0 0.1 0.3 0.55 0.7 1", "model.ode.integrator=bs5", path, 3);
    (void)unlink(path);
    mem_free(path);
    path = list_of("1,-0.4\n0.6,-0.6\n");
    check_replay("model.ode.times=1 0.6 0.5 0.1 0", "model.ode.integrator=tsit5", path, 2);
    (void)unlink(path);
    mem_free(path);
}

/* More in one step than a combination takes at once. */
static void test_direct_is_exact_for_many_outputs_in_one_step(void **state)
{
    (void)state;
    char *path = list_of("0,0.125\n0.125,0.875\n");
    check_replay("model.ode.times=linspace(0 1 100)", "model.ode.integrator=rk4", path, 2);
    (void)unlink(path);
    mem_free(path);
}

/* Adaptive steps recorded and repeated: the gradient holds their sizes fixed, so does the list. */
static void check_recorded(const char *times, const char *integrator, const char *end,
                           const char *rtol)
{
    char path[] = "/tmp/odeon_steps_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    const char *free_run[] = {times, integrator, end, rtol, "model.ode.atol=1e-4", NULL};
    support_session s = support_session_open(network, SAMPLES, free_run);
    session_result recorded = support_differentiate(&s, NULL, NULL);
    int64_t n;
    double *gradient = support_gradients(&s, &n);
    assert_int_equal(session_write_steps(s.session, 0, path), ODEON_OK);
    support_session_close(&s);
    char *control = mem_printf("model.ode.control=replay(path=%s)", path);
    const char *replay[] = {times, integrator, end, control, NULL};
    s = support_session_open(network, SAMPLES, replay);
    session_result repeated = support_differentiate(&s, NULL, NULL);
    double *again = support_gradients(&s, &n);
    assert_int_equal(repeated.blocks[0].accepted, recorded.blocks[0].accepted);
    assert_true(fabs(repeated.loss - recorded.loss) <= 1e-14 * fabs(recorded.loss));
    support_assert_close("replayed gradients", n, again, gradient, 1e-13);
    support_session_close(&s);
    check_direct(recorded.blocks[0].accepted, replay);
    mem_free(gradient);
    mem_free(again);
    mem_free(control);
    (void)unlink(path);
}

static void test_direct_is_exact_for_recorded_steps(void **state)
{
    (void)state;
    check_recorded("model.ode.times=linspace(0 2 9)", "model.ode.integrator=dopri5",
                   "model.ode.end=clip", "model.ode.rtol=1e-4");
    check_recorded("model.ode.times=linspace(0 2 9)", "model.ode.integrator=dopri5",
                   "model.ode.end=interpolate", "model.ode.rtol=1e-4");
    check_recorded("model.ode.times=1 0.5 0.45 -1", "model.ode.integrator=tsit5",
                   "model.ode.end=interpolate", "model.ode.rtol=1e-6");
}

static void test_direct_is_exact_for_steps_cut_at_the_times(void **state)
{
    (void)state;
    check_recorded("model.ode.times=0 0.3 0.35 1", "model.ode.integrator=scripted",
                   "model.ode.end=clip", "model.ode.rtol=1e-2");
}

/* ---- adjoint ---- */

/* Interval by interval, tends to the discrete gradient as the tolerance falls; theta with it. */
static void check_adjoint(const char *times, const char *gradient, const char *control)
{
    double previous = (double)INFINITY;
    for (int decade = 4; decade <= 10; decade += 2) {
        char rtol[64], atol[64];
        (void)snprintf(rtol, sizeof rtol, "model.ode.rtol=1e-%d", decade);
        (void)snprintf(atol, sizeof atol, "model.ode.atol=1e-%d", decade);
        const char *direct[] = {times, control, rtol, atol, NULL};
        const char *adjoint[] = {times, control, rtol, atol, gradient, NULL};
        int64_t n;
        support_session a = support_session_open(network, SAMPLES, direct);
        support_session b = support_session_open(network, SAMPLES, adjoint);
        (void)support_differentiate(&a, NULL, NULL);
        const ode_counters block = support_differentiate(&b, NULL, NULL).blocks[0];
        double *g = support_gradients(&a, &n), *h = support_gradients(&b, &n);
        double gap = support_distance(n, h, g);
        print_message("%s, %s, 1e-%d: adjoint to direct %.2e, drift %.2e\n", gradient, times,
                      decade, gap, block.drift);
        assert_true(block.evals_backward > 0);
        assert_true(block.drift > 0.0 && block.drift <= 100.0 * pow(10.0, -decade));
        assert_true(gap <= 0.2 * previous && gap <= 100.0 * pow(10.0, -decade));
        previous = gap;
        mem_free(g);
        mem_free(h);
        support_session_close(&a);
        support_session_close(&b);
    }
}

static void test_adjoint_converges_to_direct(void **state)
{
    (void)state;
    check_adjoint("model.ode.times=0 0.3 1 1.2", "model.ode.gradient=adjoint",
                  "model.ode.control=sciml");
    check_adjoint("model.ode.times=0 0.3 1 1.2", "model.ode.gradient=adjoint(norm=full)",
                  "model.ode.control=torchdiffeq");
    check_adjoint("model.ode.times=1 0.3 0.2 -0.5", "model.ode.gradient=adjoint",
                  "model.ode.control=torchdiffeq");
}

/* From given numbers to the end alone: y is nowhere else than with the block. */
static void test_adjoint_converges_from_given_numbers(void **state)
{
    (void)state;
    check_adjoint("model.ode.initial=0.5 -0.2 1", "model.ode.gradient=adjoint",
                  "model.ode.control=sciml");
}

/* A recorded list serves the adjoint too: the part of it between two outputs, from its end on. */
static void test_adjoint_goes_back_through_a_recorded_list(void **state)
{
    (void)state;
    char *path = list_of("0,0.125\n0.125,0.25\n0.375,0.25\n0.625,0.25\n0.875,0.25\n");
    char *control = mem_printf("model.ode.control=replay(path=%s)", path);
    static const char times[] = "model.ode.times=0 0.5 0.6 1", end[] = "model.ode.end=interpolate";
    support_session a =
        support_session_open(network, SAMPLES, (const char *[]){times, control, end, NULL});
    support_session b = support_session_open(
        network, SAMPLES,
        (const char *[]){times, control, end, "model.ode.gradient=adjoint", NULL});
    int64_t n;
    (void)support_differentiate(&a, NULL, NULL);
    session_result result = support_differentiate(&b, NULL, NULL);
    double *g = support_gradients(&a, &n), *h = support_gradients(&b, &n);
    assert_int_equal(result.blocks[0].accepted, 5);
    assert_int_equal(result.blocks[0].accepted_backward, 3 + 1 + 3);
    support_assert_close("gradients", n, h, g, 1e-5); /* steps of 1/4 with order 5 */
    mem_free(g);
    mem_free(h);
    support_session_close(&a);
    support_session_close(&b);
    (void)unlink(path);
    mem_free(control);
    mem_free(path);
}

/* ---- workers and dtypes ---- */

static const char *const gradients[] = {"model.ode.gradient=direct", "model.ode.gradient=adjoint",
                                        "model.ode.gradient=adjoint(norm=full, count_time=yes)"};
static const char *const controls[] = {"model.ode.control=sciml", "model.ode.control=torchdiffeq",
                                       "model.ode.steps=2"};

typedef struct outcome {
    session_result result;
    double *gradient;
    int64_t n;
} outcome;

static outcome run(const char *const *overrides)
{
    support_session s = support_session_open(network, SAMPLES, overrides);
    outcome out = {.result = support_differentiate(&s, NULL, NULL)};
    out.gradient = support_gradients(&s, &out.n);
    support_session_close(&s);
    return out;
}

/* One of four workers has no sample. */
static void test_workers_agree(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++) {
        const char *overrides[] = {"model.ode.times=linspace(0 1 5)",
                                   gradients[i % 3],
                                   controls[i / 3],
                                   "run.device=cpu",
                                   "run.workers=1",
                                   NULL};
        outcome one = run(overrides);
        for (int workers = 2; workers <= 4; workers++) {
            char text[32];
            (void)snprintf(text, sizeof text, "run.workers=%d", workers);
            overrides[4] = text;
            outcome several = run(overrides);
            const ode_counters *a = &one.result.blocks[0], *b = &several.result.blocks[0];
            assert_int_equal(a->evals_forward, b->evals_forward);
            assert_int_equal(a->evals_backward, b->evals_backward);
            assert_int_equal(a->accepted_backward, b->accepted_backward);
            support_assert_close(gradients[i % 3], one.n, several.gradient, one.gradient, 1e-12);
            mem_free(several.gradient);
        }
        mem_free(one.gradient);
    }
}

static void test_float32_is_near(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        const char *overrides[] = {"model.ode.times=linspace(0 1 5)",
                                   gradients[i],
                                   "model.ode.first_step=0.1",
                                   "run.device=cpu",
                                   "run.dtype=float32",
                                   NULL};
        outcome narrow = run(overrides);
        overrides[4] = "run.dtype=float64";
        outcome wide = run(overrides);
        support_assert_close(gradients[i], wide.n, narrow.gradient, wide.gradient, 1e-4);
        mem_free(narrow.gradient);
        mem_free(wide.gradient);
    }
}

static void test_devices_agree(void **state)
{
    (void)state;
    static const char *const devices[] = {"run.device=cpu", "run.device=remote",
                                          "run.device=remote(late=yes)"};
    for (int i = 0; i < 9; i++) {
        const char *overrides[] = {
            "model.ode.times=1 0.6 0.1",     gradients[i % 3],       controls[i / 3],
            "model.ode.rtol=1e-4 1e-3 1e-5", "run.device=reference", NULL};
        outcome reference = run(overrides);
        for (int d = 0; d < 3; d++) {
            overrides[4] = devices[d];
            outcome other = run(overrides);
            support_assert_close(devices[d], other.n, other.gradient, reference.gradient, 1e-11);
            mem_free(other.gradient);
        }
        mem_free(reference.gradient);
    }
}

/* An argument chooses tests by a pattern of their names. */
int main(int argc, char **argv)
{
    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_direct_is_exact_for_steps_per_interval),
        cmocka_unit_test(test_direct_is_exact_on_a_grid),
        cmocka_unit_test(test_direct_is_exact_for_equal_steps_that_are_cut),
        cmocka_unit_test(test_direct_is_exact_at_ends_and_within),
        cmocka_unit_test(test_direct_is_exact_for_many_outputs_in_one_step),
        cmocka_unit_test(test_direct_is_exact_for_recorded_steps),
        cmocka_unit_test(test_direct_is_exact_for_steps_cut_at_the_times),
        cmocka_unit_test(test_adjoint_converges_to_direct),
        cmocka_unit_test(test_adjoint_converges_from_given_numbers),
        cmocka_unit_test(test_adjoint_goes_back_through_a_recorded_list),
        cmocka_unit_test(test_workers_agree),
        cmocka_unit_test(test_float32_is_near),
        cmocka_unit_test(test_devices_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
