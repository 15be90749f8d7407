/* Every attempted step of other systems' solves is taken here too: as many, of the same size, with
 * the same decisions. Sizes come from error estimates, which are differences of nearly equal
 * numbers; what is left of rounding in an early small one is multiplied into later steps by
 * controllers that remember errors. make_step_traces.py says where the traces are from. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ode/ode.h"
#include "session/members.h"
#include "support_session.h"

static const char ini[] =
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"
    "[data]\ndataset = drawn(shape=2, classes=2)\n"
    "[model.ode]\nlayer = ode\ngradient = direct\nintegrator = dopri5\nrtol = 1e-5\natol = 1e-8\n"
    "span = %.17g %.17g\ninitial = %.17g %.17g\n"
    "[model.ode.f]\nlayer = formula\nequations = %s\nconstants = a=%.17g b=%.17g c=%.17g d=%.17g\n"
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

typedef struct problem {
    const char *name, *equations; /* theta is a, b, c, d */
} problem;

static const problem problems[] = {
    {"rotation", "x' = -a*x - b*y | y' = b*x - a*y"},
    {"lotka", "x' = a*x - b*x*y | y' = -c*y + d*x*y"},
    {"vanderpol5", "x' = y | y' = a*(1 - x^2)*y - x"},
    {"forced", "x' = -a*(x - cos(b*t)) | y' = sin(t)*x - y/2"},
};
enum { N_PROBLEMS = sizeof problems / sizeof *problems };

typedef struct trace {
    const char *peer, *method, *kind; /* as in the fixture */
    const char *control, *pid, *first_step;
    double tolerance; /* of sizes, relative */
} trace;

static safetensors *fixture;

static int open_fixture(void **state)
{
    (void)state;
    fixture = support_fixture("step_traces.safetensors");
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    safetensors_destroy(fixture);
    return 0;
}

static double *values_of(const char *group, const char *name, int64_t *n)
{
    char path[96];
    (void)snprintf(path, sizeof path, "%s/%s", group, name);
    return support_tensor(fixture, path, n);
}

static support_session open_trace(const trace *x, const problem *p)
{
    char text[1024], control[64], method[64], pid[64], first[64];
    int64_t n;
    double theta[4] = {0.0};
    double *given = values_of(p->name, "theta", &n);
    memcpy(theta, given, (size_t)n * sizeof *theta);
    double *y0 = values_of(p->name, "y0", &n), *span = values_of(p->name, "span", &n);
    (void)snprintf(text, sizeof text, ini, span[0], span[1], y0[0], y0[1], p->equations, theta[0],
                   theta[1], theta[2], theta[3]);
    (void)snprintf(control, sizeof control, "model.ode.control=%s", x->control);
    (void)snprintf(method, sizeof method, "model.ode.integrator=%s", x->method);
    (void)snprintf(pid, sizeof pid, "model.ode.pid=%s", x->pid != NULL ? x->pid : "");
    (void)snprintf(first, sizeof first, "model.ode.first_step=%s",
                   x->first_step != NULL ? x->first_step : "");
    const char *overrides[5] = {control, method};
    int32_t last = 2;
    overrides[last] = x->pid != NULL ? pid : NULL;
    last += x->pid != NULL;
    overrides[last] = x->first_step != NULL ? first : NULL;
    mem_free(given);
    mem_free(y0);
    mem_free(span);
    return support_session_open(text, 1, overrides);
}

static void compare(const trace *x, const problem *p, double *worst)
{
    char group[80];
    int64_t n;
    (void)snprintf(group, sizeof group, "%s/%s/%s/%s", x->peer, x->method, x->kind, p->name);
    support_session s = open_trace(x, p);
    (void)support_differentiate(&s, NULL, NULL);
    const solver *ours = s.session->workers[0].site.odes[0]->forward;
    double *count = values_of(group, "count", &n), *rows = values_of(group, "steps", &n);
    size_t n_ours;
    const solve_attempt *attempts = solver_attempts(ours, &n_ours);
    int64_t accepted = solver_stats(ours).accepted;
    if ((double)n_ours != count[0] || (double)accepted != count[1]) {
        fail_msg("%s: %zu attempts, %lld accepted, not %g and %g", group, n_ours,
                 (long long)accepted, count[0], count[1]);
    }
    for (int64_t i = 0; i < n / 3; i++) {
        const solve_attempt *step = &attempts[i];
        double gap = fabs(step->h / rows[3 * i] - 1.0);
        *worst = fmax(*worst, gap);
        if (!(gap <= x->tolerance) || step->accepted != (rows[3 * i + 2] != 0.0)) {
            fail_msg("%s: step %lld has h %.12g, error %.6g, not %.12g and %.6g", group,
                     (long long)i, step->h, step->error, rows[3 * i], rows[3 * i + 1]);
        }
    }
    mem_free(count);
    mem_free(rows);
    support_session_close(&s);
}

static void compare_all(const trace *traces, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double worst = 0.0;
        for (size_t p = 0; p < N_PROBLEMS; p++) {
            compare(&traces[i], &problems[p], &worst);
        }
        print_message("%s.%s.%s: h %.1e\n", traces[i].peer, traces[i].method, traces[i].kind,
                      worst);
    }
}

#define COMPARE_ALL(traces) compare_all(traces, sizeof(traces) / sizeof *(traces))

static void test_sciml_like_steps_as_sciml_with_exact_powers(void **state)
{
    (void)state;
    static const trace traces[] = {
        {"sciml", "tsit5", "exact", "sciml_like", NULL, NULL, 1e-6},
        {"sciml", "bosh3", "exact", "sciml_like", NULL, NULL, 1e-6},
        {"sciml", "dopri5", "exact", "sciml_like", NULL, NULL, 1e-6},
    };
    COMPARE_ALL(traces);
}

static void test_sciml_steps_as_sciml_with_its_own_powers(void **state)
{
    (void)state;
    static const trace traces[] = {
        {"sciml", "tsit5", "fast", "sciml", NULL, NULL, 1e-5},
        {"sciml", "bosh3", "fast", "sciml", NULL, NULL, 1e-6},
        {"sciml", "dopri5", "fast", "sciml", NULL, NULL, 1e-5},
    };
    COMPARE_ALL(traces);
}

static void test_diffrax_steps_as_diffrax(void **state)
{
    (void)state;
    static const char pi[] = "0.4 0.3 0";
    static const char pid[] = "0.05555555555555555 0.1111111111111111 0.05555555555555555";
    static const trace traces[] = {
        {"diffrax", "dopri5", "i", "diffrax", NULL, NULL, 1e-6},
        {"diffrax", "tsit5", "i", "diffrax", NULL, NULL, 1e-6},
        {"diffrax", "bosh3", "i", "diffrax", NULL, NULL, 1e-6},
        {"diffrax", "dopri8", "i", "diffrax", NULL, "0.2", 1e-4},
        {"diffrax", "dopri5", "pi", "diffrax", pi, NULL, 1e-3},
        {"diffrax", "tsit5", "pi", "diffrax", pi, NULL, 1e-3},
        {"diffrax", "bosh3", "pi", "diffrax", pi, NULL, 1e-3},
        {"diffrax", "dopri8", "pi", "diffrax", pi, "0.2", 1e-3},
        {"diffrax", "dopri5", "pid", "diffrax", pid, NULL, 1e-3},
        {"diffrax", "tsit5", "pid", "diffrax", pid, NULL, 1e-3},
        {"diffrax", "bosh3", "pid", "diffrax", pid, NULL, 1e-3},
        {"diffrax", "dopri8", "pid", "diffrax", pid, "0.2", 1e-3},
    };
    COMPARE_ALL(traces);
}

static void test_torchode_steps_as_torchode(void **state)
{
    (void)state;
    static const char pid[] = "0.05555555555555555 0.1111111111111111 0.05555555555555555";
    static const trace traces[] = {
        {"torchode", "dopri5", "i", "torchode", NULL, NULL, 1e-6},
        {"torchode", "tsit5", "i", "torchode", NULL, NULL, 1e-6},
        {"torchode", "dopri5", "pid", "torchode", pid, NULL, 1e-3},
        {"torchode", "tsit5", "pid", "torchode", pid, NULL, 1e-3},
    };
    COMPARE_ALL(traces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sciml_like_steps_as_sciml_with_exact_powers),
        cmocka_unit_test(test_sciml_steps_as_sciml_with_its_own_powers),
        cmocka_unit_test(test_diffrax_steps_as_diffrax),
        cmocka_unit_test(test_torchode_steps_as_torchode),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
