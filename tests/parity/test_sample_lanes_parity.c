/* Samples of one batch that are solved side by side, each by steps of its own: attempt for attempt
 * those of torchode, which does the same, and in the limit the solution and gradients that PyTorch
 * finds. make_sample_lanes.py says where the numbers are from. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ode/block.h"
#include "ode/ode.h"
#include "session/members.h"
#include "support_session.h"

static safetensors *fixture;

static int open_fixture(void **state)
{
    (void)state;
    fixture = support_fixture("sample_lanes.safetensors");
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    safetensors_destroy(fixture);
    return 0;
}

static odeon_ode *block_of(const support_session *s)
{
    odeon_ode *block = s->session->workers[0].site.odes[0];
    assert_true(block->samples->side.held);
    return block;
}

static attempt_list attempts_of(const support_session *s, int64_t sample)
{
    attempt_list list;
    assert_int_equal(ode_sample_attempts(block_of(s), sample, &list), ODEON_OK);
    return list;
}

/* ---- torchode ---- */

enum { SAMPLES = 3 };

static const char ini[] =
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"
    "[data]\ndataset = measured(shape=2 2, label=2 2, times=2)\n"
    "[model.ode]\nlayer = ode(step=sample)\ngradient = direct\nintegrator = %s\nrtol = 1e-5\n"
    "atol = 1e-8\ncontrol = torchode\ninitial = first\ntimes = batch\n"
    "[model.ode.f]\nlayer = formula\nequations = %s\nconstants = a=%.17g b=%.17g c=%.17g d=%.17g\n"
    "[train]\nloss = mse\noptimizer = sgd(lr=0.1)\n";

typedef struct problem {
    const char *name, *equations; /* theta is a, b, c, d */
} problem;

static const problem problems[] = {
    {"rotation", "x' = -a*x - b*y | y' = b*x - a*y"},
    {"lotka", "x' = a*x - b*x*y | y' = -c*y + d*x*y"},
    {"vanderpol5", "x' = y | y' = a*(1 - x^2)*y - x"},
    {"forced", "x' = -a*(x - cos(b*t)) | y' = sin(t)*x - y/2"},
};

static double *values_of(const char *group, const char *name, int64_t *n)
{
    char path[96];
    (void)snprintf(path, sizeof path, "%s/%s", group, name);
    return support_tensor(fixture, path, n);
}

/* Each sample begins a little later than the one before it, or ends earlier. */
static support_session open_problem(const char *method, const problem *p)
{
    static const double later[SAMPLES] = {0.0, 0.25, 0.1}, earlier[SAMPLES] = {0.0, 1.5, 0.4};
    char text[1024];
    int64_t n;
    double theta[4] = {0.0}, *given = values_of(p->name, "theta", &n);
    memcpy(theta, given, (size_t)n * sizeof *theta);
    double *y0 = values_of(p->name, "y0", &n), *span = values_of(p->name, "span", &n);
    (void)snprintf(text, sizeof text, ini, method, p->equations, theta[0], theta[1], theta[2],
                   theta[3]);
    support_session s = support_session_open(text, SAMPLES, (const char *[]){NULL});
    for (int i = 0; i < SAMPLES; i++) {
        memcpy(s.given[ODEON_ROLE_INPUT] + i * 4, y0 + i * 2, 2 * sizeof *y0);
        s.given[ODEON_ROLE_TIME][i * 2] = span[0] + later[i];
        s.given[ODEON_ROLE_TIME][i * 2 + 1] = span[1] - earlier[i];
    }
    mem_free(given);
    mem_free(y0);
    mem_free(span);
    return s;
}

/* Sizes come from error estimates, which are differences of nearly equal numbers. */
static void compare_sample(const support_session *s, const char *method, const problem *p,
                           int sample, double *worst)
{
    char group[64];
    int64_t n;
    (void)snprintf(group, sizeof group, "%s/%s/%d", method, p->name, sample);
    double *count = values_of(group, "count", &n), *rows = values_of(group, "steps", &n);
    attempt_list ours = attempts_of(s, sample);
    if ((double)ours.n != count[0]) {
        fail_msg("%s: %zu attempts, not %g", group, ours.n, count[0]);
    }
    for (int64_t i = 0; i < n / 3; i++) {
        const solve_attempt *step = &ours.attempts[i];
        double gap = fabs(step->h / rows[3 * i + 1] - 1.0);
        *worst = fmax(*worst, gap);
        if (!(gap <= 1e-6) || step->accepted != (rows[3 * i + 2] != 0.0) ||
            fabs(step->t - rows[3 * i]) > 1e-6 * (1.0 + fabs(rows[3 * i]))) {
            fail_msg("%s: step %lld from %.12g by %.12g, not from %.12g by %.12g", group,
                     (long long)i, step->t, step->h, rows[3 * i], rows[3 * i + 1]);
        }
    }
    mem_free(count);
    mem_free(rows);
}

static void test_samples_step_as_in_torchode(void **state)
{
    static const char *const methods[] = {"dopri5", "tsit5"};
    (void)state;
    for (int m = 0; m < 2; m++) {
        double worst = 0.0;
        for (size_t p = 0; p < sizeof problems / sizeof *problems; p++) {
            support_session s = open_problem(methods[m], &problems[p]);
            (void)support_differentiate(&s, NULL, NULL);
            for (int i = 0; i < SAMPLES; i++) {
                compare_sample(&s, methods[m], &problems[p], i, &worst);
            }
            support_session_close(&s);
        }
        print_message("%s: sizes of steps within %.1e\n", methods[m], worst);
    }
}

/* ---- the limit ---- */

enum { OWN = 4, TIMES = 4, WIDTH = 3, EACH = TIMES * WIDTH };

static const char network[] =
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"
    "[data]\ndataset = measured(shape=4 3, label=4 3, times=4)\n"
    "[model.ode]\nlayer = ode(step=sample)\nintegrator = dopri5\ngradient = direct\n"
    "initial = first\ntimes = batch\nrtol = 1e-11\natol = 1e-11\nmax_steps = 100000\n"
    "[model.ode.t]\nlayer = concat_time\n[model.ode.a]\nlayer = dense(units=6)\nthen = tanh\n"
    "[model.ode.b]\nlayer = dense(units=state)\n"
    "[train]\nloss = mse\noptimizer = sgd(lr=0.1)\n";

/* The loss there is the sum of c * out. Here a mean of squares has the same cotangents c, where the
 * labels lie by half the number of values times c below the outputs. */
static void give_labels(support_session *s, const double *y0, const double *out, const double *c)
{
    double *label = s->given[ODEON_ROLE_LABEL];
    for (int i = 0; i < OWN; i++) {
        for (int e = 0; e < EACH; e++) {
            int k = i * (EACH - WIDTH) + e - WIDTH;
            label[i * EACH + e] =
                e < WIDTH ? y0[i * WIDTH + e] : out[k] - 0.5 * (double)(OWN * EACH) * c[k];
        }
    }
}

static support_session open_own(const char *device)
{
    static const char *const names[] = {"W1", "b1", "W2", "b2"};
    int64_t n;
    support_session s = support_session_open(network, OWN, (const char *[]){device, NULL});
    assert_int_equal(session_parameters(s.session), 4);
    for (size_t i = 0; i < 4; i++) {
        double *values = values_of("own", names[i], &n);
        assert_int_equal(n, session_parameter_at(s.session, i).count);
        assert_int_equal(session_parameter_set(s.session, i, values), ODEON_OK);
        mem_free(values);
    }
    double *y0 = values_of("own", "y0", &n), *t0 = values_of("own", "t0", &n);
    double *ts = values_of("own", "ts", &n), *c = values_of("own", "c", &n);
    double *out = values_of("own", "out", &n);
    for (int i = 0; i < OWN; i++) {
        memcpy(s.given[ODEON_ROLE_INPUT] + i * EACH, y0 + i * WIDTH, WIDTH * sizeof *y0);
        s.given[ODEON_ROLE_TIME][i * TIMES] = t0[i];
        memcpy(s.given[ODEON_ROLE_TIME] + i * TIMES + 1, ts + i * 3, 3 * sizeof *ts);
    }
    give_labels(&s, y0, out, c);
    mem_free(y0);
    mem_free(t0);
    mem_free(ts);
    mem_free(c);
    mem_free(out);
    return s;
}

static void compare_own(const char *device)
{
    static const char *const names[] = {"grad_W1", "grad_b1", "grad_W2", "grad_b2"};
    double output[OWN * EACH], d_x[OWN * EACH];
    support_session s = open_own(device);
    (void)support_differentiate(&s, output, d_x);
    (void)block_of(&s);
    int64_t n, all, at = 0;
    double *gradient = support_gradients(&s, &all), *out = values_of("own", "out", &n);
    double *d_y0 = values_of("own", "grad_y0", &n);
    for (int i = 0; i < OWN; i++) {
        support_assert_close("outputs", EACH - WIDTH, output + i * EACH + WIDTH,
                             out + i * (EACH - WIDTH), 1e-9);
        support_assert_close("cotangents", WIDTH, d_x + i * EACH, d_y0 + i * WIDTH, 1e-9);
    }
    for (int i = 0; i < 4; i++) {
        double *expected = values_of("own", names[i], &n);
        support_assert_close(names[i], n, gradient + at, expected, 1e-9);
        at += n;
        mem_free(expected);
    }
    assert_int_equal(at, all);
    mem_free(gradient);
    mem_free(out);
    mem_free(d_y0);
    support_session_close(&s);
}

static void test_own_times_give_the_limit_and_its_gradients(void **state)
{
    (void)state;
    compare_own("run.device=reference");
    compare_own("run.device=cpu");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_step_as_in_torchode),
        cmocka_unit_test(test_own_times_give_the_limit_and_its_gradients),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
