/* The adjoint's solve with an integrator, tolerances and a norm of its own, and with y read off the
 * forward's dense output. What it has in common with the block stays the block's, to the bit. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support_session.h"

/* Rotation and decay that a small net bends: y backward in time grows, so that it matters where y
 * is taken from. */
static const char network[] =
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"
    "[data]\ndataset = idx(path=/nowhere, shape=1 2 2, classes=3)\n"
    "[model.flat]\nlayer = flatten\n"
    "[model.stem]\nlayer = dense(units=3)\nthen = tanh\n"
    "[model.ode]\nlayer = ode\nintegrator = dopri5\ngradient = direct\ntimes = 0 3\n"
    "rtol = 1e-4\natol = 1e-4\n"
    "[model.ode.time]\nlayer = concat_time(at=first)\n"
    "[model.ode.a]\nlayer = dense(units=6)\nthen = tanh\n"
    "[model.ode.b]\nlayer = dense(units=state)\n"
    "[model.rows]\nlayer = flatten\n"
    "[model.head]\nlayer = dense(units=classes)\n"
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

enum { SAMPLES = 4, MOST = 12 };

/* A gradient method and what one batch gives with it. */
typedef struct outcome {
    session_result result;
    double *gradients;
    int64_t n;
} outcome;

static outcome differentiate(const char *gradient, const char *const *overrides)
{
    const char *all[MOST] = {gradient};
    for (int i = 0; overrides[i] != NULL; i++) {
        all[i + 1] = overrides[i];
    }
    support_session s = support_session_open(network, SAMPLES, all);
    outcome out = {.result = support_differentiate(&s, NULL, NULL)};
    out.gradients = support_gradients(&s, &out.n);
    support_session_close(&s);
    return out;
}

static const char *const as_it_is[] = {NULL};

/* How far the gradients of a method are from those of another. */
static double distance(const char *gradient, const char *other, const char *const *overrides,
                       ode_counters *counters)
{
    outcome a = differentiate(gradient, overrides), b = differentiate(other, overrides);
    double gap = support_distance(a.n, a.gradients, b.gradients);
    if (counters != NULL) {
        *counters = a.result.blocks[0];
    }
    mem_free(a.gradients);
    mem_free(b.gradients);
    return gap;
}

#define ADJOINT(options) "model.ode.gradient=adjoint(" options ")"

static const char direct[] = "model.ode.gradient=direct";
static const char adjoint[] = "model.ode.gradient=adjoint";

static void test_what_is_not_given_is_the_blocks(void **state)
{
    (void)state;
    static const char *const same[] = {
        ADJOINT("integrator=dopri5"), ADJOINT("rtol=1e-4, atol=1e-4"), ADJOINT("error_norm=rms"),
        ADJOINT("y=integrate"), ADJOINT("integrator=dopri5, rtol=1e-4, error_norm=rms")};
    static const char *const controls[] = {"model.ode.control=pi", "model.ode.control=torchdiffeq",
                                           "model.ode.control=sciml"};
    for (size_t c = 0; c < sizeof controls / sizeof *controls; c++) {
        for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
            const char *const overrides[] = {controls[c], NULL};
            assert_true(distance(same[i], adjoint, overrides, NULL) == 0.0);
        }
    }
}

static void test_tighter_tolerances_come_nearer_to_direct(void **state)
{
    (void)state;
    /* the forward is the same in all: only the way back is solved more exactly; what is left is the
     * forward's own error, which direct differentiates and adjoint does not */
    static const char *const methods[] = {adjoint, ADJOINT("rtol=1e-6, atol=1e-6"),
                                          ADJOINT("rtol=1e-8, atol=1e-8")};
    const char *const fine[] = {"model.ode.rtol=1e-9", "model.ode.atol=1e-9", NULL};
    const char *const loose[] = {ADJOINT("rtol=1e-3, atol=1e-3"), ADJOINT("rtol=1e-5, atol=1e-5"),
                                 ADJOINT("rtol=1e-7, atol=1e-7"), adjoint};
    double before = (double)INFINITY;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        ode_counters c;
        double gap = distance(methods[i], direct, as_it_is, &c);
        print_message("%s: adjoint to direct %.2e, %lld steps back\n", methods[i], gap,
                      (long long)c.accepted_backward);
    }
    for (size_t i = 0; i < sizeof loose / sizeof *loose; i++) {
        ode_counters c;
        double gap = distance(loose[i], direct, fine, &c);
        print_message("forward 1e-9, %s: adjoint to direct %.2e, %lld steps back\n", loose[i], gap,
                      (long long)c.accepted_backward);
        assert_true(gap <= 0.2 * before);
        before = gap;
    }
}

static void test_another_integrator_takes_other_steps(void **state)
{
    (void)state;
    const char *const fine[] = {"model.ode.rtol=1e-7", "model.ode.atol=1e-7", NULL};
    const char *const steps[] = {"model.ode.steps=64", NULL};
    ode_counters own, other;
    assert_true(distance(adjoint, direct, fine, &own) <= 1e-5);
    assert_true(distance(ADJOINT("integrator=bosh3"), direct, fine, &other) <= 1e-5);
    assert_int_equal(own.accepted, other.accepted);
    assert_true(other.accepted_backward > 2 * own.accepted_backward);
    /* steps that are given stay, and their method may estimate no error */
    assert_true(distance(ADJOINT("integrator=rk4"), direct, steps, &other) <= 1e-5);
    assert_int_equal(other.accepted_backward, 64);
    assert_int_equal(other.evals_backward, 64 * 4);
}

static void test_the_norm_may_be_another(void **state)
{
    (void)state;
    ode_counters own, other;
    (void)distance(adjoint, direct, as_it_is, &own);
    assert_true(distance(ADJOINT("error_norm=max"), direct, as_it_is, &other) <= 1e-2);
    assert_int_equal(own.accepted, other.accepted);
    assert_true(other.accepted_backward > own.accepted_backward);
}

/* Tolerances of the block by component: a tolerance of the adjoint's own counts for all. */
static void test_lists_of_tolerances_give_way(void **state)
{
    (void)state;
    const char *const lists[] = {"model.ode.rtol=1e-4 1e-5 1e-6", "model.ode.atol=1e-5", NULL};
    ode_counters own, other;
    (void)distance(adjoint, direct, lists, &own);
    assert_true(distance(ADJOINT("rtol=1e-8, atol=1e-8"), direct, lists, &other) <= 1e-3);
    assert_true(other.accepted_backward > own.accepted_backward);
}

/* ---- y = dense ---- */

static void test_y_off_dense_output_converges_to_direct(void **state)
{
    (void)state;
    static const char *const decades[] = {"4", "6", "8", "10"};
    static const char *const integrators[] = {"dopri5", "tsit5"};
    for (size_t j = 0; j < 2; j++) {
        double before = (double)INFINITY;
        for (size_t i = 0; i < 4; i++) {
            char *integrator = mem_printf("model.ode.integrator=%s", integrators[j]);
            char *rtol = mem_printf("model.ode.rtol=1e-%s", decades[i]);
            char *atol = mem_printf("model.ode.atol=1e-%s", decades[i]);
            const char *const overrides[] = {integrator, rtol, atol, NULL};
            ode_counters c, plain;
            double gap = distance(ADJOINT("y=dense"), direct, overrides, &c);
            double backsolve = distance(adjoint, direct, overrides, &plain);
            print_message("%s 1e-%s: y=dense to direct %.2e (%lld steps back), y=integrate %.2e "
                          "(%lld)\n",
                          integrators[j], decades[i], gap, (long long)c.accepted_backward,
                          backsolve, (long long)plain.accepted_backward);
            assert_true(gap <= 0.3 * before);
            assert_true(isnan(c.drift) && !isnan(plain.drift)); /* y does not drift */
            before = gap;
            mem_free(integrator);
            mem_free(rtol);
            mem_free(atol);
        }
        assert_true(before <= 1e-7);
    }
}

/* Through many times, backward in time, under all norms, by steps that are given, over workers. */
static void test_y_off_dense_output_in_all_modes(void **state)
{
    (void)state;
    static const char fine[] = "model.ode.rtol=1e-8", finer[] = "model.ode.atol=1e-8";
    static const char *const modes[][6] = {
        {fine, finer, "model.ode.times=0 0.3 1 1.1 3", NULL},
        {fine, finer, "model.ode.times=3 0", NULL},
        {fine, finer, "model.ode.control=torchdiffeq", NULL},
        {fine, finer, "run.workers=3", NULL},
        {"model.ode.steps=80", NULL},
        {"model.ode.step_size=0.04", "model.ode.integrator=tsit5", NULL}};
    static const char *const methods[] = {ADJOINT("y=dense"), ADJOINT("y=dense, norm=full"),
                                          ADJOINT("y=dense, norm=full, count_time=yes")};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        for (size_t j = 0; j < sizeof methods / sizeof *methods; j++) {
            double gap = distance(methods[j], direct, modes[i], NULL);
            print_message("%s, %s: %.2e\n", methods[j], modes[i][0], gap);
            assert_true(gap <= 1e-5);
        }
    }
}

/* Decay, which grows backward in time: an error of y at the end is 1e3 times as large at the start.
 */
static const char decay[] =
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"
    "[data]\ndataset = idx(path=/nowhere, shape=1 1 2, classes=3)\n"
    "[model.flat]\nlayer = flatten\n"
    "[model.ode]\nlayer = ode\nintegrator = dopri5\ngradient = direct\n"
    "times = 0 3\ninitial = 1 1\nrtol = 1e-6\natol = 1e-6\n"
    "[model.ode.f]\nlayer = formula\nconstants = a=3 b=1 c=2 d=1\nlearn = a b c d\n"
    "equations = x' = -a*x + b*y | y' = -c*y - d*x*y\n"
    "[model.rows]\nlayer = flatten\n"
    "[model.head]\nlayer = dense(units=classes)\n"
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

/* Gradients of a, b, c and d, which come first. */
static void decay_gradient(const char *gradient, double *out)
{
    int64_t n;
    const char *const overrides[] = {gradient, NULL};
    support_session s = support_session_open(decay, SAMPLES, overrides);
    (void)support_differentiate(&s, NULL, NULL);
    double *all = support_gradients(&s, &n);
    memcpy(out, all, 4 * sizeof *out);
    mem_free(all);
    support_session_close(&s);
}

static void test_y_off_dense_output_does_not_grow_backward(void **state)
{
    (void)state;
    double exact[4], integrated[4], dense[4];
    decay_gradient(direct, exact);
    decay_gradient(ADJOINT("rtol=1e-9, atol=1e-9"), integrated);
    decay_gradient(ADJOINT("y=dense, rtol=1e-9, atol=1e-9"), dense);
    double plain = support_distance(4, integrated, exact);
    double gap = support_distance(4, dense, exact);
    print_message("decay: y=integrate to direct %.2e, y=dense %.2e\n", plain, gap);
    assert_true(gap <= 0.3 * plain);
}

/* Decay by e^40 on the way: y cannot be solved backward at all. */
static void test_y_off_dense_output_where_y_cannot_be_solved_backward(void **state)
{
    (void)state;
    static const char *const methods[] = {adjoint, ADJOINT("y=dense")};
    for (int i = 0; i < 2; i++) {
        const char *const overrides[] = {methods[i], "model.ode.times=0 20", NULL};
        session_result result;
        support_session s = support_session_open(decay, SAMPLES, overrides);
        odeon_status status = support_differentiate_try(&s, &result);
        assert_int_equal(status, i == 0 ? ODEON_ERR_NUMERIC : ODEON_OK);
        support_session_close(&s);
    }
}

/* ---- what is refused ---- */

static void assert_refused(const char *gradient, const char *mode, const char *words)
{
    support_session s;
    const char *more = mode != NULL && strstr(mode, "adams") != NULL ? "model.ode.steps=9" : NULL;
    const char *const overrides[] = {gradient, mode, more, NULL};
    diag_clear();
    assert_int_equal(support_session_try(network, SAMPLES, overrides, &s), ODEON_ERR_CONFIG);
    if (strstr(diag_message(), words) == NULL) {
        fail_msg("%s", diag_message());
    }
}

static void test_what_cannot_be_is_refused(void **state)
{
    (void)state;
    assert_refused(ADJOINT("rtol=1e-3"), "model.ode.steps=4",
                   "adjoint: rtol, atol and error_norm are of adaptive steps, but the block's are "
                   "given: leave them out");
    assert_refused(ADJOINT("y=dense"), "model.ode.integrator=adams_bashforth",
                   "gradient adjoint reads y between steps, but integrator adams_bashforth has no "
                   "dense output");
    assert_refused(ADJOINT("integrator=rk4"), NULL,
                   "integrator rk4 of gradient adjoint does not choose its steps, but the block's "
                   "are adaptive");
    assert_refused(ADJOINT("integrator=kvaerno3"), NULL,
                   "integrator kvaerno3 solves equations in its stages, which gradient adjoint has "
                   "no derivatives for");
    assert_refused(ADJOINT("y=dense"), "model.ode.integrator=kvaerno5", "unstable");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_given_is_the_blocks),
        cmocka_unit_test(test_tighter_tolerances_come_nearer_to_direct),
        cmocka_unit_test(test_another_integrator_takes_other_steps),
        cmocka_unit_test(test_the_norm_may_be_another),
        cmocka_unit_test(test_lists_of_tolerances_give_way),
        cmocka_unit_test(test_y_off_dense_output_converges_to_direct),
        cmocka_unit_test(test_y_off_dense_output_in_all_modes),
        cmocka_unit_test(test_y_off_dense_output_does_not_grow_backward),
        cmocka_unit_test(test_y_off_dense_output_where_y_cannot_be_solved_backward),
        cmocka_unit_test(test_what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
