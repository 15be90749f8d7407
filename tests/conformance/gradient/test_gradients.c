/* Gradients of whole networks with an ODE block: `direct` against central differences, `adjoint`
 * against `direct`. Smooth fields, float64, device reference. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support_session.h"

/* Convolution, a field that depends on time, a head: every path a gradient can take. */
static const char network[] =
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"
    "[data]\ndataset = idx(path=/nowhere, shape=1 5 4, classes=3)\n"
    "[model.stem]\nlayer = conv2d(filters=2, kernel=3, padding=1)\n"
    "then = softplus\n"
    "[model.ode]\nlayer = ode\nintegrator = rk4\nsteps = 2\n"
    "gradient = direct\nspan = 0.25 1.5\n"
    "[model.ode.time]\nlayer = concat_time(at=first)\n"
    "[model.ode.a]\nlayer = conv2d(filters=3, kernel=3, padding=1)\n"
    "then = tanh, groupnorm(groups=3)\n"
    "[model.ode.b]\nlayer = conv2d(filters=state, kernel=1)\n"
    "then = softplus\n"
    "[model.flat]\nlayer = flatten\n"
    "[model.head]\nlayer = dense(units=classes)\n"
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

enum { SAMPLES = 3 };

static void check_direct(const char *const *overrides)
{
    support_session s = support_session_open(network, SAMPLES, overrides);
    double gap = support_gradient_gap(&s);
    print_message("%s: distance to central differences %.2e\n", overrides[0], gap);
    assert_true(gap <= 1e-7);
    support_session_close(&s);
}

static void test_direct_is_exact_for_a_tableau(void **state)
{
    (void)state;
    check_direct((const char *[]){"model.ode.integrator=rk4", NULL});
}

static void test_direct_is_exact_for_a_tableau_with_fsal(void **state)
{
    (void)state;
    check_direct((const char *[]){"model.ode.integrator=tsit5", NULL});
}

static void test_direct_is_exact_for_the_step_tier(void **state)
{
    (void)state;
    check_direct((const char *[]){"model.ode.integrator=adams_bashforth(order=3)",
                                  "model.ode.steps=6", NULL});
}

/* A shorter last step makes a method for equal steps begin anew. */
static void test_direct_is_exact_when_the_step_size_changes(void **state)
{
    (void)state;
    static const char step_size[] =
        "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"
        "[data]\ndataset = idx(path=/nowhere, shape=1 2 2, classes=3)\n"
        "[model.flat]\nlayer = flatten\n"
        "[model.ode]\nlayer = ode\nintegrator = adams_bashforth(order=2)\nstep_size = 0.3\n"
        "gradient = direct\n[model.ode.f]\nlayer = dense(units=state)\nthen = tanh\n"
        "[model.head]\nlayer = dense(units=classes)\n"
        "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";
    support_session s = support_session_open(step_size, SAMPLES, NULL);
    assert_true(support_gradient_gap(&s) <= 1e-7);
    assert_int_equal(support_differentiate(&s, NULL, NULL).blocks[0].accepted, 4);
    support_session_close(&s);
}

/* The network with adaptive steps. */
static void make_adaptive(char text[sizeof network])
{
    static const char fixed[] = "steps = 2";
    memcpy(text, network, sizeof network);
    memset(strstr(text, fixed), ';', sizeof fixed - 1);
}

/* Adaptive steps, recorded by a first run and repeated: the gradient holds their sizes fixed, and
 * so does the replay. */
static void check_replayed(const char *end)
{
    char path[] = "/tmp/odeon_steps_XXXXXX", control[128], text[sizeof network];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    make_adaptive(text);
    const char *free_run[] = {"model.ode.integrator=dopri5", "model.ode.rtol=1e-4",
                              "model.ode.atol=1e-4", end, NULL};
    support_session s = support_session_open(text, SAMPLES, free_run);
    session_result recorded = support_differentiate(&s, NULL, NULL);
    assert_int_equal(session_write_steps(s.session, 0, path), ODEON_OK);
    double gap = support_gradient_gap(&s);
    support_session_close(&s);
    print_message("%s, controller free: distance %.2e at tolerance 1e-4\n", end, gap);
    assert_true(gap <= 1e-4); /* of the tolerance's order: the step sizes move with the input */
    (void)snprintf(control, sizeof control, "model.ode.control=replay(path=%s)", path);
    const char *replay[] = {"model.ode.integrator=dopri5", control, end, NULL};
    s = support_session_open(text, SAMPLES, replay);
    session_result repeated = support_differentiate(&s, NULL, NULL);
    assert_int_equal(repeated.blocks[0].accepted, recorded.blocks[0].accepted);
    assert_true(fabs(repeated.loss - recorded.loss) <= 1e-14 * fabs(recorded.loss));
    gap = support_gradient_gap(&s);
    print_message("%s, replayed: distance %.2e\n", end, gap);
    assert_true(gap <= 1e-7);
    support_session_close(&s);
    (void)unlink(path);
}

static void test_direct_is_exact_for_replayed_adaptive_steps(void **state)
{
    (void)state;
    check_replayed("model.ode.end=clip");
}

/* The last step reaches beyond the end, which is read off the dense output. */
static void test_direct_is_exact_through_an_interpolated_end(void **state)
{
    (void)state;
    check_replayed("model.ode.end=interpolate");
}

/* The continuous adjoint's gradient tends to the discrete one as the tolerance falls. */
static void check_adjoint_converges(const char *gradient, const char *control)
{
    double previous = (double)INFINITY;
    char text[sizeof network];
    make_adaptive(text);
    for (int decade = 4; decade <= 10; decade += 2) {
        char rtol[64], atol[64];
        (void)snprintf(rtol, sizeof rtol, "model.ode.rtol=1e-%d", decade);
        (void)snprintf(atol, sizeof atol, "model.ode.atol=1e-%d", decade);
        const char *direct[] = {"model.ode.integrator=dopri5", control, rtol, atol, NULL};
        const char *adjoint[] = {
            "model.ode.integrator=dopri5", control, rtol, atol, gradient, NULL};
        int64_t n;
        support_session a = support_session_open(text, SAMPLES, direct);
        support_session b = support_session_open(text, SAMPLES, adjoint);
        session_result forward = support_differentiate(&a, NULL, NULL);
        session_result both = support_differentiate(&b, NULL, NULL);
        double *g = support_gradients(&a, &n), *h = support_gradients(&b, &n);
        double gap = support_distance(n, h, g);
        print_message("tolerance 1e-%d: adjoint to direct %.2e, drift %.2e\n", decade, gap,
                      both.blocks[0].drift);
        assert_int_equal(forward.blocks[0].evals_backward, 0);
        assert_true(both.blocks[0].evals_backward > 0);
        assert_true(gap <= 0.2 * previous && gap <= 20.0 * pow(10.0, -decade));
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
    check_adjoint_converges("model.ode.gradient=adjoint", "model.ode.control=sciml");
}

static void test_adjoint_converges_with_interpolated_ends(void **state)
{
    (void)state;
    check_adjoint_converges("model.ode.gradient=adjoint", "model.ode.control=torchdiffeq");
}

static void test_adjoint_converges_under_the_full_norm(void **state)
{
    (void)state;
    check_adjoint_converges("model.ode.gradient=adjoint(norm=full)",
                            "model.ode.control=torchdiffeq");
}

/* The parameters' adjoint counts once, however many workers hold it. */
static void test_full_norm_is_the_same_for_several_workers(void **state)
{
    (void)state;
    char text[sizeof network];
    int64_t n;
    make_adaptive(text);
    const char *one[] = {"model.ode.integrator=dopri5", "model.ode.control=torchdiffeq",
                         "model.ode.gradient=adjoint(norm=full)", NULL};
    const char *three[] = {"model.ode.integrator=dopri5", "model.ode.control=torchdiffeq",
                           "model.ode.gradient=adjoint(norm=full)", "run.workers=3", NULL};
    support_session a = support_session_open(text, SAMPLES + 1, one);
    support_session b = support_session_open(text, SAMPLES + 1, three);
    session_result single = support_differentiate(&a, NULL, NULL);
    session_result several = support_differentiate(&b, NULL, NULL);
    double *g = support_gradients(&a, &n), *h = support_gradients(&b, &n);
    assert_int_equal(single.blocks[0].accepted_backward, several.blocks[0].accepted_backward);
    support_assert_close("gradients", n, h, g, 1e-12);
    mem_free(g);
    mem_free(h);
    support_session_close(&a);
    support_session_close(&b);
}

/* Fixed steps: both converge to the same as the steps shrink, a step-tier method included. */
static void test_adjoint_converges_to_direct_for_the_step_tier(void **state)
{
    (void)state;
    double gaps[2];
    for (int i = 0; i < 2; i++) {
        const char *steps = i == 0 ? "model.ode.steps=20" : "model.ode.steps=80";
        const char *direct[] = {"model.ode.integrator=adams_bashforth(order=4)", steps, NULL};
        const char *adjoint[] = {"model.ode.integrator=adams_bashforth(order=4)", steps,
                                 "model.ode.gradient=adjoint", NULL};
        int64_t n;
        support_session a = support_session_open(network, SAMPLES, direct);
        support_session b = support_session_open(network, SAMPLES, adjoint);
        (void)support_differentiate(&a, NULL, NULL);
        (void)support_differentiate(&b, NULL, NULL);
        double *g = support_gradients(&a, &n), *h = support_gradients(&b, &n);
        gaps[i] = support_distance(n, h, g);
        mem_free(g);
        mem_free(h);
        support_session_close(&a);
        support_session_close(&b);
    }
    print_message("adams_bashforth(4): adjoint to direct %.2e, then %.2e\n", gaps[0], gaps[1]);
    assert_true(gaps[1] <= gaps[0] / 50.0); /* order 4: 4^4 = 256 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_direct_is_exact_for_a_tableau),
        cmocka_unit_test(test_direct_is_exact_for_a_tableau_with_fsal),
        cmocka_unit_test(test_direct_is_exact_for_the_step_tier),
        cmocka_unit_test(test_direct_is_exact_when_the_step_size_changes),
        cmocka_unit_test(test_direct_is_exact_for_replayed_adaptive_steps),
        cmocka_unit_test(test_direct_is_exact_through_an_interpolated_end),
        cmocka_unit_test(test_adjoint_converges_to_direct),
        cmocka_unit_test(test_adjoint_converges_with_interpolated_ends),
        cmocka_unit_test(test_adjoint_converges_under_the_full_norm),
        cmocka_unit_test(test_full_norm_is_the_same_for_several_workers),
        cmocka_unit_test(test_adjoint_converges_to_direct_for_the_step_tier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
