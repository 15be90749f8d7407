/* Controls of the batch in a field: u(t) between its times, derivatives against differences, and
 * what is refused. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "data/data.h"
#include "session/members.h"
#include "small_net.h"
#include "support_session.h"

enum { SAMPLES = 2, KNOTS = 4, CHANNELS = 2 };

static const double times[SAMPLES][KNOTS] = {{0.0, 0.5, 1.2, 2.0}, {0.0, 0.25, 1.5, 2.0}};
static const double controls[SAMPLES][KNOTS][CHANNELS] = {
    {{1.0, 0.0}, {3.0, -1.0}, {-0.5, 2.0}, {0.25, 2.0}},
    {{-2.0, 1.0}, {0.0, 1.5}, {4.0, -1.0}, {1.0, 0.5}}};

/* What a data set with such fields says to the network. */
static void give_shapes(net_site *site)
{
    site->given[ODEON_ROLE_TIME] =
        (odeon_shape){.ndim = 2, .dtype = ODEON_DTYPE_F64, .dim = {1, KNOTS}};
    site->given[ODEON_ROLE_CONTROL] =
        (odeon_shape){.ndim = 3, .dtype = ODEON_DTYPE_F64, .dim = {1, KNOTS, CHANNELS}};
}

static void give_batch(small_net *s)
{
    static double t[SAMPLES][KNOTS], u[SAMPLES][KNOTS][CHANNELS];
    memcpy(t, times, sizeof t);
    memcpy(u, controls, sizeof u);
    s->fields.of[ODEON_ROLE_TIME] = odeon_tensor_at(
        t, (odeon_shape){.ndim = 2, .dtype = ODEON_DTYPE_F64, .dim = {SAMPLES, KNOTS}});
    s->fields.of[ODEON_ROLE_CONTROL] = odeon_tensor_at(
        u, (odeon_shape){.ndim = 3, .dtype = ODEON_DTYPE_F64, .dim = {SAMPLES, KNOTS, CHANNELS}});
}

static small_net *open_net(const char *text, int64_t features)
{
    odeon_status status;
    small_net *s = small_net_try_with(text, 1, &features, give_shapes, &status);
    support_require(status, text);
    small_net_bind(s);
    give_batch(s);
    return s;
}

/* u and its slope at t, in the plainest way. */
static double control_at(int64_t i, int64_t k, double t, double *slope)
{
    int64_t j = 0;
    *slope = 0.0;
    if (t <= times[i][0] || t > times[i][KNOTS - 1]) {
        return controls[i][t <= times[i][0] ? 0 : KNOTS - 1][k];
    }
    while (t > times[i][j + 1]) {
        j++;
    }
    double a = controls[i][j][k], b = controls[i][j + 1][k], span = times[i][j + 1] - times[i][j];
    *slope = (b - a) / span;
    return a + (b - a) * (t - times[i][j]) / span;
}

static void test_values_and_slopes(void **state)
{
    (void)state;
    small_net *s = open_net("[model.c]\nlayer = controls\n", 1);
    static const double moments[] = {-1.0, 0.0, 0.1, 0.5, 0.7, 1.3, 1.9, 2.0, 3.0};
    const double in[SAMPLES] = {5.0, -6.0}, bar[SAMPLES * 3] = {0.5, 2.0, -1.0, 0.25, 3.0, 1.0};
    double t[SAMPLES], out[SAMPLES * 3], d_in[SAMPLES], d_t[SAMPLES], slope;
    for (size_t m = 0; m < 2 * sizeof moments / sizeof *moments; m++) {
        int64_t each = m % 2 == 0 ? 1 : SAMPLES; /* one time for all, or one a sample */
        const odeon_shape shape = {.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {each}};
        const odeon_view now = odeon_view_at(t, shape);
        const odeon_tensor d_now = odeon_tensor_at(d_t, shape);
        const net_plan *plan;
        double wanted[SAMPLES] = {0.0, 0.0};
        t[0] = t[1] = moments[m / 2];
        t[1] += each == 1 ? 0.0 : 0.05;
        s->call.t = &now;
        small_net_forward(s, SAMPLES, in, out);
        for (int64_t i = 0; i < SAMPLES; i++) {
            assert_true(out[3 * i] == in[i]);
            for (int64_t k = 0; k < CHANNELS; k++) {
                double u = control_at(i, k, t[i % each], &slope);
                assert_true(fabs(out[3 * i + 1 + k] - u) < 1e-14);
                wanted[i % each] += slope * bar[3 * i + 1 + k];
            }
        }
        memset(d_t, 0, sizeof d_t);
        support_require(net_plan_for(s->net, SAMPLES, s->call.flags, &plan), "plan");
        support_require(net_vjp(plan, &s->call, s->frame.data, bar, d_in, &d_now), "vjp");
        assert_true(d_in[0] == bar[0] && d_in[1] == bar[3]);
        for (int64_t i = 0; i < each; i++) {
            assert_true(fabs(d_t[i] - wanted[i]) < 1e-12);
        }
    }
    small_net_close(s);
}

#define LEARNED                                                                                    \
    "[run]\nname = test\ndtype = float64\nworkers = 1\n"                                           \
    "[data]\ndataset = measured(shape=4 3, label=4 3, times=4, control=4 2)\n"                     \
    "[model.ode]\nlayer = ode\nintegrator = rk4\nsteps = 3\ngradient = direct\ninitial = first\n"  \
    "times = batch\n"                                                                              \
    "[model.ode.u]\nlayer = controls\nthen = dense(units=5), tanh, dense(units=state)\n"           \
    "[model.ode.e]\nlayer = kinetic\n"                                                             \
    "[train]\nloss = mse, penalty(of=ode.kinetic, weight=0.1)\noptimizer = sgd(lr=0.1)\n"

static void test_gradients_by_differences(void **state)
{
    (void)state;
    static const char *const ways[] = {"run.workers=1", "run.workers=3"};
    for (int i = 0; i < 2; i++) {
        const char *overrides[] = {ways[i], NULL};
        support_session s = support_session_open(LEARNED, 5, overrides);
        double gap = support_gradient_gap(&s);
        print_message("%s: %.1e\n", ways[i], gap);
        assert_true(gap < 1e-8);
        support_session_close(&s);
    }
}

static void assert_refused(const char *override, const char *message)
{
    const char *overrides[] = {override, NULL};
    support_session s;
    diag_clear();
    assert_int_equal(support_session_try(LEARNED, 4, overrides, &s), ODEON_ERR_CONFIG);
    if (strstr(diag_message(), message) == NULL) {
        fail_msg("%s", diag_message());
    }
}

static void test_what_the_data_set_lacks_is_refused(void **state)
{
    (void)state;
    assert_refused(
        "data.dataset=measured(shape=4 3, label=4 3, times=4)",
        "ode.u: layer controls needs a field of role control, and the data set's samples "
        "have none");
    assert_refused("data.dataset=measured(shape=4 3, label=4 3, times=4, control=3 2)",
                   "controls: the data set's controls are [1, 3, 2] of a batch of one");
}

/* A caller that gives samples alone. */
static void test_what_a_batch_lacks_is_refused(void **state)
{
    (void)state;
    support_session s = support_session_open(LEARNED, 4, NULL);
    double *before = s.given[ODEON_ROLE_CONTROL];
    session_result result;
    diag_clear();
    s.given[ODEON_ROLE_CONTROL] = NULL;
    assert_int_equal(support_differentiate_try(&s, &result), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), "ode.u: layer controls needs a field of role control, "
                                           "and this batch has none"));
    s.given[ODEON_ROLE_CONTROL] = before;
    support_differentiate(&s, NULL, NULL);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_and_slopes),
        cmocka_unit_test(test_gradients_by_differences),
        cmocka_unit_test(test_what_the_data_set_lacks_is_refused),
        cmocka_unit_test(test_what_a_batch_lacks_is_refused),
    };
    return cmocka_run_group_tests_name("controls", tests, NULL, NULL);
}
