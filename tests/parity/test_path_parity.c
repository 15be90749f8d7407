/* Along the path of an ODE block: what is integrated there, and what drives it, against closed
 * forms. */
#include <math.h>
#include <string.h>

#include "ode/ode.h"
#include "small_net.h"
#include "support_session.h"

/* ---- integrals ---- */

enum { N = 5 };

/* y' = -y, whose speed has the integral (1 - exp(-2)) / 2 |y(0)|^2: the column of the loss is its
 * weight times the mean of that. */
static void test_value_against_a_closed_form(void **state)
{
    (void)state;
    static const char ini[] = "[run]\nname = test\ndtype = float64\nworkers = 2\n"
                              "[data]\ndataset = measured(shape=3, label=3)\n"
                              "[model.ode]\nlayer = ode\nintegrator = dopri5\n"
                              "gradient = direct\nrtol = 1e-10\natol = 1e-10\n"
                              "[model.ode.f]\nlayer = scale(factor=-1)\nthen = kinetic\n"
                              "[model.head]\nlayer = dense(units=3)\n"
                              "[train]\noptimizer = sgd(lr=0.1)\n"
                              "loss = mse, penalty(of=ode.kinetic, weight=0.3)\n";
    support_session s = support_session_open(ini, N, NULL);
    session_result result = support_differentiate(&s, NULL, NULL);
    double sum = 0.0;
    for (int64_t i = 0; i < N * s.input_size; i++) {
        sum += s.x[i] * s.x[i];
    }
    double wanted = 0.3 * (1.0 - exp(-2.0)) / 2.0 * sum / (double)N;
    print_message("%.1e\n", fabs(result.metrics[1] - wanted) / wanted);
    assert_string_equal(session_metric_names(s.session)[1], "loss_penalty");
    assert_true(fabs(result.metrics[1] - wanted) < 1e-9 * wanted);
    assert_true(fabs(result.loss - result.metrics[0] - result.metrics[1]) < 1e-15);
    support_session_close(&s);
}

/* ---- controls ---- */

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

/* x' = (u - x) / RC from one knot to the next: x = u - RC u' + C exp(-t / RC). */
static double circuit(int64_t i, double rc, double x)
{
    for (int64_t j = 0; j + 1 < KNOTS; j++) {
        double a = controls[i][j][0], b = controls[i][j + 1][0];
        double span = times[i][j + 1] - times[i][j], slope = (b - a) / span;
        x = b - rc * slope + (x - a + rc * slope) * exp(-span / rc);
    }
    return x;
}

#define CIRCUIT(gradient)                                                                          \
    "[model.o]\nlayer = ode(span=0 2, stops=0.25 0.5 1.2 1.5)\nintegrator = dopri5\n"              \
    "gradient = " gradient "\nrtol = 1e-10\natol = 1e-10\n"                                        \
    "[model.o.n]\nlayer = chain\n[model.o.n.u]\nlayer = controls\n"                                \
    "[model.o.f]\nlayer = formula(equations=d = (u - x)/q, inputs=x u w, outputs=d, "              \
    "constants=q=0.7, learn=q)\n"

/* Samples at times of their own in one solve, the layer within a container. */
static void test_circuit_against_its_closed_form(void **state)
{
    (void)state;
    static const char *const gradients[] = {"direct", "adjoint"};
    static const char *const texts[] = {CIRCUIT("direct"), CIRCUIT("adjoint")};
    for (int g = 0; g < 2; g++) {
        small_net *s = open_net(texts[g], 1);
        const double start[SAMPLES] = {0.3, -1.0}, bar[SAMPLES] = {1.0, -2.0};
        double out[SAMPLES], d_in[SAMPLES], h = 1e-5, expected = 0.0;
        double slots[ODEON_SLOTS] = {0.0};
        s->site.odes[0]->measured = slots;
        small_net_values(s, "o.f.q")[0] = 0.7;
        small_net_forward(s, SAMPLES, start, out);
        small_net_vjp(s, SAMPLES, bar, d_in);
        for (int64_t i = 0; i < SAMPLES; i++) {
            assert_true(fabs(out[i] - circuit(i, 0.7, start[i])) < 1e-9);
            assert_true(fabs(d_in[i] - bar[i] * exp(-2.0 / 0.7)) < 1e-9);
            expected += bar[i] * (circuit(i, 0.7 + h, start[i]) - circuit(i, 0.7 - h, start[i])) /
                        (2.0 * h);
        }
        print_message("%s: x %.1e, dL/dRC %.1e\n", gradients[g],
                      fabs(out[0] - circuit(0, 0.7, start[0])),
                      fabs(small_net_grads(s, "o.f.q")[0] - expected));
        assert_true(fabs(small_net_grads(s, "o.f.q")[0] - expected) < 1e-8);
        small_net_close(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value_against_a_closed_form),
        cmocka_unit_test(test_circuit_against_its_closed_form),
    };
    return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
