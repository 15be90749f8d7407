/* The layer formula: what its equations mean, and that their constants can be learnt. */
#include "layer_harness.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "plugin/registry.h"
#include "support_session.h"

static registry *plugins;
static support_device device;

static int open_device(void **state)
{
    (void)state;
    plugins = support_registry();
    device = support_device_open(plugins, "reference", ODEON_DTYPE_F64);
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    support_device_close(&device);
    registry_destroy(plugins);
    return 0;
}

/* ---- what equations mean ---- */

static const double at_x = 0.7, at_y = -1.3, at_t = 0.4;

/* One equation in x, y, t and the constants a = 2, b = -3, of which b may be learnt. */
static double evaluate(const char *right, const char *learn)
{
    static const int64_t dim[] = {1, 2};
    char *text = mem_printf(
        "formula(equations=r = %s, inputs=x y, outputs=r, constants=a=2 b=-3%s)", right, learn);
    layer_harness h = layer_harness_open(plugins, &device, text, 2, dim, 1);
    layer_harness_set(&h, &h.in, (const double[]){at_x, at_y});
    layer_harness_set(&h, &h.t, &at_t);
    for (int32_t i = 0; i < h.n_params; i++) {
        layer_harness_set(&h, &h.param[i], &h.info[i].init_a);
    }
    assert_int_equal(layer_harness_forward(&h, 0, 0), ODEON_OK);
    double *out = support_download(&device, &h.out.view);
    double value = out[0];
    mem_free(out);
    layer_harness_close(&h);
    mem_free(text);
    return value;
}

static void check_value(const char *text, const char *learn, double expected)
{
    double value = evaluate(text, learn);
    /* a handful of operations, one rounding each, on numbers of their size */
    if (!(fabs(value - expected) <= 1e-14 * fmax(1.0, fabs(expected)))) {
        fail_msg("%s is %.17g, expected %.17g", text, value, expected);
    }
}

static void test_formula_operators_have_their_customary_ranks(void **state)
{
    (void)state;
    const double x = at_x, y = at_y;
    check_value("x - y - 1", "", x - y - 1.0);
    check_value("x/y/2", "", x / y / 2.0);
    check_value("x + y*x", "", x + y * x);
    check_value("(x + y)*x", "", (x + y) * x);
    check_value("-x^2", "", -x * x);
    check_value("(-x)^2", "", x * x);
    check_value("2^3^2*x", "", 512.0 * x);
    check_value("x^-2", "", 1.0 / (x * x));
    check_value("x^-y^0", "", 1.0 / x);
    check_value("2*-x", "", -2.0 * x);
    check_value("--x", "", x);
    check_value("+x - -y", "", x + y);
    check_value("x/2*y", "", x / 2.0 * y);
    check_value("1e-1*x + .5 + 2.", "", 0.1 * x + 2.5);
}

static void test_formula_functions_are_those_of_c(void **state)
{
    (void)state;
    const double x = at_x, y = at_y;
    check_value("exp(y)", "", exp(y));
    check_value("log(x)", "", log(x));
    check_value("sin(x)", "", sin(x));
    check_value("cos(x)", "", cos(x));
    check_value("tanh(y)", "", tanh(y));
    check_value("sqrt(x)", "", sqrt(x));
    check_value("abs(y)", "", -y);
    check_value("relu(y) + relu(x)", "", x);
    check_value("sigmoid(y)", "", 1.0 / (1.0 + exp(-y)));
    check_value("softplus(y)", "", log(1.0 + exp(y)));
    check_value("x^5", "", x * x * x * x * x);
    check_value("x^0.3", "", pow(x, 0.3));
    check_value("x^(1/a)", "", sqrt(x));
}

static void test_formula_folds_constants_to_what_they_would_be(void **state)
{
    (void)state;
    const double x = at_x;
    check_value("exp(1)*x", "", exp(1.0) * x);
    check_value("x*(log(4) - sqrt(a) + sin(1)/cos(1) + tanh(a) + abs(b))", "",
                x * (log(4.0) - sqrt(2.0) + tan(1.0) + tanh(2.0) + 3.0));
    check_value("x + relu(b) + sigmoid(a) + softplus(b)", "",
                x + 1.0 / (1.0 + exp(-2.0)) + log1p(exp(-3.0)));
    check_value("a + b^3 + 2^-1", "", -24.5);
    check_value("1 - a/(1 + x) + 3/x - x/4", "", 1.0 - 2.0 / (1.0 + x) + 3.0 / x - x / 4.0);
}

static void test_formula_constant_counts_alike_whether_it_is_learnt(void **state)
{
    (void)state;
    static const char *const texts[] = {"a*x + b*y", "x/b", "b/x", "x - b", "b - x", "b", "t*b^3"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        check_value(texts[i], ", learn=b", evaluate(texts[i], ""));
    }
}

static void test_formula_reads_time(void **state)
{
    (void)state;
    check_value("x*t + sin(t)^2", "", at_x * at_t + sin(at_t) * sin(at_t));
}

static void test_formula_components_stand_in_the_order_of_their_equations(void **state)
{
    (void)state;
    static const int64_t dim[] = {2, 2};
    layer_harness h = layer_harness_open(
        plugins, &device, "formula(equations=s = q + p | q' = s | p' = q - p)", 2, dim, -1);
    layer_harness_set(&h, &h.in, (const double[]){1.0, 2.0, 3.0, 5.0}); /* rows q, p */
    assert_int_equal(layer_harness_forward(&h, LAYER_KEEP, 0), ODEON_OK);
    double *out = support_download(&device, &h.out.view);
    assert_memory_equal(out, ((const double[]){3.0, -1.0, 8.0, -2.0}), 4 * sizeof *out);
    mem_free(out);
    layer_harness_close(&h);
}

/* ---- time in double ---- */

/* r = x c c + s + w: x a sample's own, c = cos(w t), s = sin(w t), which are products of w and t as
 * an output of the time alone is. */
static const char timed[] = "formula(equations=p = w*t | c = cos(p) | r = x*c*c + sin(p) + w | "
                            "q = p/2, inputs=x, outputs=r q, constants=w=0.375, learn=w)";
enum { TIMED_ROWS = 3 };

typedef struct timed_result {
    double out[2 * TIMED_ROWS], d_x[TIMED_ROWS], d_t[TIMED_ROWS], d_w;
} timed_result;

static const double timed_x[TIMED_ROWS] = {0.5, -1.25, 2.0};
static const double timed_g[2 * TIMED_ROWS] = {1.0, 0.25, -0.5, 0.5, 0.75, -0.125};

static void download(support_device *d, const odeon_view *x, int64_t n, double *out)
{
    double *values = support_download(d, x);
    memcpy(out, values, (size_t)n * sizeof *out);
    mem_free(values);
}

static timed_result run_timed(const char *id, int64_t n_t, const double *t)
{
    static const int64_t dim[] = {TIMED_ROWS, 1};
    static const double w = 0.375;
    timed_result result = {{0.0}, {0.0}, {0.0}, 0.0};
    support_device d = support_device_open(plugins, id, ODEON_DTYPE_F32);
    layer_harness h = layer_harness_open(plugins, &d, timed, 2, dim, n_t);
    layer_harness_set(&h, &h.in, timed_x);
    layer_harness_set(&h, &h.t, t);
    layer_harness_set(&h, &h.param[0], &w);
    layer_harness_set(&h, &h.d_out, timed_g);
    assert_int_equal(layer_harness_forward(&h, LAYER_KEEP, 0), ODEON_OK);
    assert_int_equal(layer_harness_vjp(&h, LAYER_ALL), ODEON_OK);
    download(&d, &h.out.view, 2 * TIMED_ROWS, result.out);
    download(&d, &h.d_in.view, TIMED_ROWS, result.d_x);
    download(&d, &h.d_t.view, n_t, result.d_t);
    download(&d, &h.grad[0].view, 1, &result.d_w);
    layer_harness_close(&h);
    support_device_close(&d);
    return result;
}

/* The same by hand, in double. */
static timed_result expect_timed(int64_t n_t, const double *t)
{
    const double w = 0.375;
    timed_result e = {{0.0}, {0.0}, {0.0}, 0.0};
    for (int i = 0; i < TIMED_ROWS; i++) {
        double at = n_t == 1 ? t[0] : t[i], c = cos(w * at), s = sin(w * at), x = timed_x[i];
        double slope = timed_g[2 * i] * (c - 2.0 * x * c * s) + timed_g[2 * i + 1] / 2.0;
        e.out[2 * i] = x * c * c + s + w;
        e.out[2 * i + 1] = w * at / 2.0;
        e.d_x[i] = timed_g[2 * i] * c * c;
        e.d_t[n_t == 1 ? 0 : i] += slope * w;
        e.d_w += slope * at + timed_g[2 * i];
    }
    return e;
}

static void check_timed(const char *id, int64_t n_t, const double *t)
{
    timed_result got = run_timed(id, n_t, t), want = expect_timed(n_t, t);
    for (int i = 0; i < 2 * TIMED_ROWS; i++) { /* rounded once or twice to float32 */
        assert_true(fabs(got.out[i] - want.out[i]) <= 4e-7 * fmax(1.0, fabs(want.out[i])));
    }
    support_assert_close("d_x", TIMED_ROWS, got.d_x, want.d_x, 1e-6);
    support_assert_close("d_t", n_t, got.d_t, want.d_t, 1e-6);
    assert_true(fabs(got.d_w - want.d_w) <= 1e-6 * fmax(1.0, t[0]));
}

/* At 1e8 a float32 is a multiple of 8. */
static void test_formula_time_is_double_in_float32(void **state)
{
    (void)state;
    static const char *const devices[] = {"reference", "cpu", "remote"};
    static const double late[] = {1e8 + 0.3, 1e8 + 0.8, 1e8 + 1.7}, early[] = {0.4, 0.9, 1.3};
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        check_timed(devices[i], 1, late);
        check_timed(devices[i], TIMED_ROWS, late);
        check_timed(devices[i], 1, early);
        check_timed(devices[i], TIMED_ROWS, early);
    }
}

/* ---- learning ---- */

/* Predator and prey on [0, 1]; the label of a sample is the component whose gradient is asked for:
 * the loss is that component. */
static const char lotka_volterra[] =
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"
    "[data]\ndataset = idx(path=/nowhere, shape=1 1 2, classes=2)\n"
    "[model.flat]\nlayer = flatten\n"
    "[model.ode]\nlayer = ode(span=0 1)\nintegrator = rk4\nsteps = 10\ngradient = direct\n"
    "[model.ode.physics]\nlayer = formula\nequations = x' = a*x - b*x*y | y' = d*x*y - c*y\n"
    "constants = a=1 b=0.5 c=1 d=0.5\nlearn = a b c d\n"
    "[train]\nloss = cotangent(values=1 0 0 1)\noptimizer = sgd(lr=0.1)\n";
enum { N_CONSTANTS = 4, N_SAMPLES = 3, N_ROWS = 2 * N_SAMPLES };
static const double starts[N_SAMPLES][2] = {{1.0, 1.0}, {2.0, 0.5}, {0.7, 1.6}};

static void set_constants(support_session *s, const double *values)
{
    for (size_t i = 0; i < N_CONSTANTS; i++) {
        assert_int_equal(session_parameter_set(s->session, i, &values[i]), ODEON_OK);
    }
}

/* Components at the end, and what the constants do to them. */
static void observe(support_session *s, double *y, double jacobian[N_ROWS][N_CONSTANTS])
{
    for (int row = 0; row < N_ROWS; row++) {
        double end[2];
        int64_t n;
        memcpy(s->x, starts[row / 2], 2 * sizeof(double));
        s->labels[0] = row % 2;
        (void)support_differentiate(s, end, NULL);
        double *gradient = support_gradients(s, &n);
        assert_int_equal(n, N_CONSTANTS);
        memcpy(jacobian[row], gradient, sizeof jacobian[row]);
        mem_free(gradient);
        y[row] = end[row % 2];
    }
}

/* x of m x = v, m symmetric and positive definite, by elimination. */
static void solve_normal(double m[N_CONSTANTS][N_CONSTANTS], double *v)
{
    for (int k = 0; k < N_CONSTANTS; k++) {
        for (int i = k + 1; i < N_CONSTANTS; i++) {
            double factor = m[i][k] / m[k][k];
            for (int j = k; j < N_CONSTANTS; j++) {
                m[i][j] -= factor * m[k][j];
            }
            v[i] -= factor * v[k];
        }
    }
    for (int k = N_CONSTANTS; k-- > 0;) {
        for (int j = k + 1; j < N_CONSTANTS; j++) {
            v[k] -= m[k][j] * v[j];
        }
        v[k] /= m[k][k];
    }
}

/* One step of Gauss and Newton towards the observations. */
static void improve(support_session *s, const double *observed, double *constants)
{
    double y[N_ROWS], jacobian[N_ROWS][N_CONSTANTS];
    double normal[N_CONSTANTS][N_CONSTANTS] = {{0.0}}, step[N_CONSTANTS] = {0.0};
    set_constants(s, constants);
    observe(s, y, jacobian);
    for (int row = 0; row < N_ROWS; row++) {
        for (int i = 0; i < N_CONSTANTS; i++) {
            step[i] += jacobian[row][i] * (observed[row] - y[row]);
            for (int j = 0; j < N_CONSTANTS; j++) {
                normal[i][j] += jacobian[row][i] * jacobian[row][j];
            }
        }
    }
    solve_normal(normal, step);
    for (int i = 0; i < N_CONSTANTS; i++) {
        constants[i] += step[i];
    }
}

static void test_formula_recovers_the_constants_of_lotka_and_volterra(void **state)
{
    (void)state;
    static const double truth[N_CONSTANTS] = {1.5, 1.0, 3.0, 1.0};
    double observed[N_ROWS], unused[N_ROWS][N_CONSTANTS];
    double constants[N_CONSTANTS] = {1.2, 0.8, 2.5, 0.8};
    support_session s = support_session_open(lotka_volterra, 1, NULL);
    assert_string_equal(session_parameter_at(s.session, 0).path, "ode.physics.a");
    set_constants(&s, truth);
    observe(&s, observed, unused);
    for (int i = 0; i < 8; i++) {
        improve(&s, observed, constants);
    }
    print_message("constants %.15g %.15g %.15g %.15g\n", constants[0], constants[1], constants[2],
                  constants[3]);
    /* Convergence is quadratic only with the exact derivative: at the end rounding is left, some
     * 1e-15 times the condition of six observations. */
    support_assert_close("constants", N_CONSTANTS, constants, truth, 1e-11);
    support_session_close(&s);
}

/* Columns lie apart in memory that only the device can touch. */
static void test_formula_gives_the_same_on_every_device(void **state)
{
    (void)state;
    static const char *const devices[] = {"run.device=reference", "run.device=cpu",
                                          "run.device=remote"};
    double *gradients[3], end[3][2];
    int64_t n;
    for (size_t i = 0; i < 3; i++) {
        const char *overrides[] = {devices[i], NULL};
        support_session s = support_session_open(lotka_volterra, 1, overrides);
        memcpy(s.x, starts[0], sizeof starts[0]);
        (void)support_differentiate(&s, end[i], NULL);
        gradients[i] = support_gradients(&s, &n);
        support_session_close(&s);
    }
    for (size_t i = 1; i < 3; i++) {
        /* ten steps of one rounding or two an operation */
        support_assert_close(devices[i], 2, end[i], end[0], 1e-14);
        support_assert_close(devices[i], N_CONSTANTS, gradients[i], gradients[0], 1e-13);
        mem_free(gradients[i]);
    }
    mem_free(gradients[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formula_operators_have_their_customary_ranks),
        cmocka_unit_test(test_formula_functions_are_those_of_c),
        cmocka_unit_test(test_formula_folds_constants_to_what_they_would_be),
        cmocka_unit_test(test_formula_constant_counts_alike_whether_it_is_learnt),
        cmocka_unit_test(test_formula_reads_time),
        cmocka_unit_test(test_formula_components_stand_in_the_order_of_their_equations),
        cmocka_unit_test(test_formula_time_is_double_in_float32),
        cmocka_unit_test(test_formula_recovers_the_constants_of_lotka_and_volterra),
        cmocka_unit_test(test_formula_gives_the_same_on_every_device),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
