/* Paths between the observations of a batch, and neural controlled differential equations, against
 * SciPy and PyTorch in float64. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ode/ode.h"
#include "small_net.h"
#include "support_session.h"

enum { B = 3, N = 7, C = 2, H = 4, WHEN = 9 };

static safetensors *file;

static int open_fixture(void **state)
{
    (void)state;
    file = support_fixture("controls.safetensors");
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    safetensors_destroy(file);
    return 0;
}

static double *numbers(const char *a, const char *b, int64_t expected)
{
    char path[128];
    int64_t n = 0;
    (void)snprintf(path, sizeof path, "%s%s", a, b);
    double *values = support_tensor(file, path, &n);
    assert_int_equal(n, expected);
    return values;
}

/* ---- the batch ---- */

static int64_t channels; /* C, or with their slopes 2 C */

static void give_shapes(net_site *site)
{
    site->given[ODEON_ROLE_TIME] =
        (odeon_shape){.ndim = 2, .dtype = ODEON_DTYPE_F64, .dim = {1, N}};
    site->given[ODEON_ROLE_CONTROL] =
        (odeon_shape){.ndim = 3, .dtype = ODEON_DTYPE_F64, .dim = {1, N, channels}};
}

static void give_batch(small_net *s)
{
    static double t[B][N], u[B * N * 2 * C];
    double *times = numbers("t", "", N), *x = numbers("x", "", B * N * C);
    double *slopes = numbers("natural", "/knot_slopes", B * N * C);
    for (int64_t row = 0; row < B * N; row++) {
        t[row / N][row % N] = times[row % N];
        for (int64_t c = 0; c < channels; c++) {
            u[row * channels + c] = c < C ? x[row * C + c] : slopes[row * C + c - C];
        }
    }
    s->fields.of[ODEON_ROLE_TIME] =
        odeon_tensor_at(t, (odeon_shape){.ndim = 2, .dtype = ODEON_DTYPE_F64, .dim = {B, N}});
    s->fields.of[ODEON_ROLE_CONTROL] = odeon_tensor_at(
        u, (odeon_shape){.ndim = 3, .dtype = ODEON_DTYPE_F64, .dim = {B, N, channels}});
    mem_free(times);
    mem_free(x);
    mem_free(slopes);
}

static small_net *open_net(const char *text, int64_t features, bool cubic)
{
    odeon_status status;
    channels = cubic ? 2 * C : C;
    small_net *s = small_net_try_with(text, 1, &features, give_shapes, &status);
    support_require(status, text);
    small_net_bind(s);
    give_batch(s);
    return s;
}

/* ---- values and derivatives ---- */

static void assert_path(const char *kind, const char *in_file, const char *what)
{
    char text[200], name[32];
    bool slope = strcmp(what, "slope") == 0;
    double x[B] = {1.0, 2.0, 3.0}, out[B * (1 + C)], t, bar[B * (1 + C)], d_in[B], d_t;
    (void)snprintf(text, sizeof text,
                   "[model.c]\nlayer = controls(interpolation=%s, derivative=%s)\n", kind,
                   slope ? "yes" : "no");
    (void)snprintf(name, sizeof name, "%s/", in_file);
    small_net *s = open_net(text, 1, strcmp(kind, "cubic") == 0);
    double *when = numbers("when", "", WHEN), *wanted = numbers(name, what, B * WHEN * C);
    double *rate = numbers(name, "slope", B * WHEN * C), worst = 0.0;
    const odeon_shape one = {.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}};
    const odeon_view now = odeon_view_at(&t, one);
    const odeon_tensor d_now = odeon_tensor_at(&d_t, one);
    s->call.t = &now;
    for (int64_t w = 0; w < WHEN; w++) {
        const net_plan *plan;
        double sum = 0.0;
        t = when[w];
        small_net_forward(s, B, x, out);
        for (int64_t i = 0; i < B * C; i++) {
            int64_t at = (i / C * WHEN + w) * C + i % C;
            double found = out[i / C * (1 + C) + 1 + i % C];
            worst = fmax(worst, fabs(found - wanted[at]));
            bar[i / C * (1 + C) + 1 + i % C] = (double)(i + 1);
            sum += (double)(i + 1) * rate[at];
        }
        d_t = bar[0] = bar[1 + C] = bar[2 + 2 * C] = 0.0;
        support_require(net_plan_for(s->net, B, s->call.flags, &plan), "plan");
        support_require(net_vjp(plan, &s->call, s->frame.data, bar, d_in, &d_now), "vjp");
        assert_true(slope || fabs(d_t - sum) < 1e-12 * 100);
    }
    print_message("%s %s: %.1e\n", kind, what, worst);
    assert_true(worst < 1e-12);
    mem_free(when);
    mem_free(wanted);
    mem_free(rate);
    small_net_close(s);
}

static void test_paths(void **state)
{
    (void)state;
    assert_path("linear", "linear", "value");
    assert_path("linear", "linear", "slope");
    assert_path("hermite", "hermite", "value");
    assert_path("hermite", "hermite", "slope");
    assert_path("cubic", "natural", "value");
    assert_path("cubic", "natural", "slope");
}

/* The vjp of a derivative by the time against differences of it, away from the knots. */
static void test_second_derivatives(void **state)
{
    (void)state;
    static const char *const kinds[] = {"hermite", "cubic"};
    for (int k = 0; k < 2; k++) {
        char text[200];
        double x[B * 2 * C], out[B * 2], t, bar[B * 2], d_in[B * 2 * C], d_t = 0.0, h = 1e-6;
        (void)snprintf(text, sizeof text,
                       "[model.c]\nlayer = controls(interpolation=%s, derivative=yes, "
                       "use=multiply)\n",
                       kinds[k]);
        small_net *s = open_net(text, 2 * C, k == 1);
        double *when = numbers("when", "", WHEN), sum[2] = {0.0, 0.0};
        const odeon_shape one = {.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}};
        const odeon_view now = odeon_view_at(&t, one);
        const odeon_tensor d_now = odeon_tensor_at(&d_t, one);
        const net_plan *plan;
        for (int i = 0; i < B * 2 * C; i++) {
            x[i] = sin(1.0 + i);
        }
        s->call.t = &now;
        for (int side = 0; side < 2; side++) {
            t = when[4] + (side == 0 ? -h : h);
            small_net_forward(s, B, x, out);
            for (int i = 0; i < B * 2; i++) {
                bar[i] = cos(2.0 + i);
                sum[side] += bar[i] * out[i];
            }
        }
        t = when[4];
        small_net_forward(s, B, x, out);
        support_require(net_plan_for(s->net, B, s->call.flags, &plan), "plan");
        support_require(net_vjp(plan, &s->call, s->frame.data, bar, d_in, &d_now), "vjp");
        print_message("%s: %.1e\n", kinds[k], fabs(d_t - (sum[1] - sum[0]) / (2.0 * h)));
        assert_true(fabs(d_t - (sum[1] - sum[0]) / (2.0 * h)) < 1e-7);
        mem_free(when);
        small_net_close(s);
    }
}

/* ---- a neural controlled differential equation ---- */

static small_net *open_cde(const char *kind, bool cubic)
{
    char text[900], times[400] = "";
    double *t = numbers("t", "", N);
    for (int i = 0, at = 0; i < N; i++) {
        at += snprintf(times + at, sizeof times - (size_t)at, " %.17g", t[i]);
    }
    (void)snprintf(text, sizeof text,
                   "[model.o]\nlayer = ode(times=%s)\nintegrator = rk4\nsteps = 2\n"
                   "gradient = direct\n[model.o.a]\nlayer = dense(units=5)\nthen = tanh\n"
                   "[model.o.b]\nlayer = dense(units=8)\nthen = tanh\n"
                   "[model.o.c]\nlayer = controls(interpolation=%s, derivative=yes, "
                   "use=multiply)\n",
                   times + 1, kind);
    mem_free(t);
    return open_net(text, H, cubic);
}

static const char *const ours[] = {"o.a.weight", "o.a.bias", "o.b.weight", "o.b.bias"};
static const char *const theirs[] = {"V1", "c1", "V2", "c2"};
static const int64_t sizes[] = {20, 5, 40, 8};

static double worst_gap(const double *found, const double *wanted, int64_t n)
{
    double worst = 0.0;
    for (int64_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs(found[i] - wanted[i]));
    }
    return worst;
}

static void assert_cde(const char *kind, const char *in_file, bool cubic)
{
    char name[32], grad[40];
    double out[B * N * H], bar[B * N * H] = {0.0}, d_in[B * H], worst, slots[ODEON_SLOTS] = {0.0};
    small_net *s = open_cde(kind, cubic);
    (void)snprintf(name, sizeof name, "cde/%s/", in_file);
    double *z0 = numbers("cde/z0", "", B * H), *cot = numbers("cde/cot", "", B * H);
    double *end = numbers(name, "out", B * H), *d_z0 = numbers(name, "grad_z0", B * H);
    s->site.odes[0]->measured = slots;
    for (int i = 0; i < 4; i++) {
        double *value = numbers("cde/", theirs[i], sizes[i]);
        memcpy(small_net_values(s, ours[i]), value, (size_t)sizes[i] * sizeof *value);
        mem_free(value);
    }
    small_net_forward(s, B, z0, out);
    worst = 0.0;
    for (int64_t i = 0; i < B * H; i++) {
        int64_t at = (i / H * N + N - 1) * H + i % H;
        worst = fmax(worst, fabs(out[at] - end[i]));
        bar[at] = cot[i];
    }
    small_net_vjp(s, B, bar, d_in);
    worst = fmax(worst, worst_gap(d_in, d_z0, B * H));
    for (int i = 0; i < 4; i++) {
        (void)snprintf(grad, sizeof grad, "grad_%s", theirs[i]);
        double *wanted = numbers(name, grad, sizes[i]);
        worst = fmax(worst, worst_gap(small_net_grads(s, ours[i]), wanted, sizes[i]));
        mem_free(wanted);
    }
    print_message("cde, %s: %.1e\n", kind, worst);
    assert_true(worst < 1e-12);
    mem_free(z0);
    mem_free(cot);
    mem_free(end);
    mem_free(d_z0);
    small_net_close(s);
}

static void test_neural_cde(void **state)
{
    (void)state;
    assert_cde("hermite", "hermite", false);
    assert_cde("cubic", "natural", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_second_derivatives),
        cmocka_unit_test(test_neural_cde),
    };
    return cmocka_run_group_tests_name("controls", tests, open_fixture, close_fixture);
}
