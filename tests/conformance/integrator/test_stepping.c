/* Which steps an adaptive solve takes: its first one within the solve, between limits, ending at
 * stops, judged by the largest error; forward and backward. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "ode/ode.h"
#include "session/members.h"
#include "support_session.h"

/* The right-hand side, with its numbers; the input goes nowhere. The loss is the output's first
 * component, or of one alone that one. */
static const char ini[] =
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"
    "[data]\ndataset = drawn(shape=2, classes=2)\n"
    "[model.ode]\nlayer = ode\nintegrator = tsit5\nrtol = 1e-6\natol = 1e-6\ngradient = direct\n"
    "%s\n"
    "[model.ode.f]\nlayer = formula\n%s\n"
    "%s"
    "[train]\nloss = %s\noptimizer = sgd(lr=0.1)\n";

static const char one[] = "", rows[] = "[model.rows]\nlayer = flatten\n";
enum { MAX_OVERRIDES = 8, MAX_TRIALS = 4096 };

typedef struct problem {
    const char *block, *field, *rest;
    const char *loss;
} problem;

/* y' = 0.01 log(2 - t) has no value beyond 2, and a slow field is probed far away. */
static const problem slow = {"span = 0 1\ninitial = 5", "equations = y' = 0.01*log(2 - t)", one,
                             "cotangent(values=1 0)"};
/* y' = 0.01 a y sqrt(t) has none before 0, where the adjoint goes. */
static const problem root = {"span = 0 1\ninitial = 1",
                             "equations = y' = 0.01*a*y*sqrt(t)\nconstants = a=1.5\nlearn = a", one,
                             "cotangent(values=1 0)"};
static const problem pulse = {"span = 0 15\ninitial = 0",
                              "equations = y' = a*exp(-((t - 7.5)/0.01)^2)\n"
                              "constants = a=1\nlearn = a",
                              one, "cotangent(values=1 0)"};
static const problem smooth = {"span = 0 1\ninitial = 1",
                               "equations = y' = a*y*cos(t)\nconstants = a=1.5\nlearn = a", one,
                               "cotangent(values=1 0)"};
static const double slow_end = 5.0038629436111989;    /* 5 + 0.01 (2 log 2 - 1) */
static const double pulse_end = 0.017724538509055160; /* 0.01 sqrt(pi) */

typedef struct outcome {
    double end[8], gradient;
    size_t n, n_backward; /* attempts */
    solve_attempt forward[MAX_TRIALS], backward[MAX_TRIALS];
} outcome;

static support_session open_problem(const problem *p, const char *const *settings)
{
    char text[2048];
    char *overrides[MAX_OVERRIDES + 1] = {NULL};
    (void)snprintf(text, sizeof text, ini, p->block, p->field, p->rest, p->loss);
    for (size_t i = 0; settings[i] != NULL && i < MAX_OVERRIDES; i++) {
        overrides[i] = strncmp(settings[i], "run.", 4) == 0
                           ? mem_strdup(settings[i])
                           : mem_printf("model.ode.%s", settings[i]);
    }
    support_session s = support_session_open(text, 1, (const char *const *)overrides);
    for (size_t i = 0; i < MAX_OVERRIDES; i++) {
        mem_free(overrides[i]);
    }
    return s;
}

static size_t copy_attempts(const solver *s, solve_attempt *out)
{
    size_t n;
    const solve_attempt *attempts = solver_attempts(s, &n);
    assert_true(n <= MAX_TRIALS);
    if (n > 0) {
        memcpy(out, attempts, n * sizeof *out);
    }
    return n;
}

static void take_outcome(support_session *s, outcome *out)
{
    int64_t n;
    const odeon_ode *block = s->session->workers[0].site.odes[0];
    memset(out, 0, sizeof *out);
    s->labels[0] = 0;
    (void)support_differentiate(s, out->end, NULL);
    double *gradient = support_gradients(s, &n);
    out->gradient = n > 0 ? gradient[0] : 0.0;
    mem_free(gradient);
    out->n = copy_attempts(block->forward, out->forward);
    out->n_backward = copy_attempts(block->backward, out->backward);
}

static void solve(const problem *p, const char *const *settings, outcome *out)
{
    support_session s = open_problem(p, settings);
    take_outcome(&s, out);
    support_session_close(&s);
}

static void assert_near(const char *what, double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%s: %.15g is not %.15g to %g", what, value, expected, tolerance);
    }
}

/* ---- the first step ---- */

static const char *const controls[] = {"control=torchdiffeq", "control=sciml", "control=sciml_like",
                                       "control=diffrax", "control=torchode"};
enum { N_CONTROLS = sizeof controls / sizeof *controls };

static void test_first_step_is_chosen_within_the_solve(void **state)
{
    (void)state;
    static outcome out;
    for (int i = 0; i < N_CONTROLS; i++) {
        solve(&slow, (const char *[]){controls[i], "end=clip", NULL}, &out);
        assert_near(controls[i], out.end[0], slow_end, 1e-7);
    }
}

static void test_first_step_backward_is_chosen_within_the_solve(void **state)
{
    (void)state;
    static outcome out;
    double end = exp(0.01 * 1.5 * 2.0 / 3.0);
    for (int i = 0; i < N_CONTROLS; i++) {
        for (int adjoint = 0; adjoint < 2; adjoint++) {
            const char *gradient = adjoint != 0 ? "gradient=adjoint" : "gradient=direct";
            solve(&root, (const char *[]){controls[i], "end=clip", gradient, NULL}, &out);
            assert_near(controls[i], out.end[0], end, 1e-6);
            assert_near(gradient, out.gradient, end * 0.01 * 2.0 / 3.0, 4e-6);
        }
    }
}

/* Where a device would carry the solve out alone, too, and with the same bits. */
static void test_nearer_probe_is_found_whoever_carries_the_solve_out(void **state)
{
    (void)state;
    static outcome out[2];
    for (int i = 0; i < 2; i++) {
        const char *settings[] = {controls[i],        "end=clip", "run.device=remote",
                                  "gradient=adjoint", NULL,       NULL};
        for (int eager = 0; eager < 2; eager++) {
            settings[4] = eager != 0 ? "run.capture=no" : NULL;
            support_session s = open_problem(&slow, settings);
            for (int k = 0; k < 4; k++) {
                take_outcome(&s, &out[eager]);
            }
            support_session_close(&s);
        }
        assert_true(out[0].end[0] == out[1].end[0]);
        assert_int_equal(out[0].n, out[1].n);
        for (size_t k = 0; k < out[0].n; k++) {
            const solve_attempt *a = &out[0].forward[k], *b = &out[1].forward[k];
            assert_true(a->t == b->t && a->h == b->h && a->error == b->error);
        }
    }
}

/* y1' = -sqrt(y1) is left by the probe that y0 asks for, within the span. */
static void test_probe_that_leaves_the_domain_comes_nearer(void **state)
{
    (void)state;
    static outcome out;
    static const problem p = {"span = 0 1e-3\ninitial = 1e6 1e-2",
                              "equations = x' = 1 | y' = -1000*sqrt(y)/(1 + 9999*y)", one,
                              "cotangent(values=1 0 0 1)"};
    solve(&p, (const char *[]){"control=torchdiffeq", "end=clip", NULL}, &out);
    assert_true(isfinite(out.end[1]) && out.end[1] < 1e-2);
}

/* ---- limits ---- */

static void assert_limited(size_t n, const solve_attempt *attempts, double h_max)
{
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        assert_true(fabs(attempts[i].h) <= h_max * (1.0 + 1e-12));
    }
}

static void test_h_max_limits_every_step_both_ways(void **state)
{
    (void)state;
    static outcome out;
    static const char *const spans[] = {"span=0 1", "span=1 0"};
    static const char *const ends[] = {"end=clip", "end=interpolate"};
    for (int i = 0; i < 4; i++) {
        const char *settings[] = {"h_max=0.03", "gradient=adjoint", spans[i % 2], ends[i / 2],
                                  NULL};
        solve(&smooth, settings, &out);
        assert_limited(out.n, out.forward, 0.03);
        assert_limited(out.n_backward, out.backward, 0.03);
        assert_true(out.n >= 33 && out.n_backward >= 33);
    }
}

static void test_h_max_finds_a_pulse(void **state)
{
    (void)state;
    static outcome out;
    solve(&pulse, (const char *[]){NULL}, &out);
    assert_near("without", out.end[0], 0.0, 1e-12);
    solve(&pulse, (const char *[]){"h_max=0.02", "gradient=adjoint", NULL}, &out);
    assert_near("pulse", out.end[0], pulse_end, 1e-6);
    assert_near("gradient", out.gradient, pulse_end, 1e-6);
}

static odeon_status fails(const problem *p, const char *const *settings, const char *words)
{
    session_result result;
    support_session s = open_problem(p, settings);
    odeon_status status = support_differentiate_try(&s, &result);
    if (strstr(diag_message(), words) == NULL) {
        fail_msg("'%s' is not in: %s", words, diag_message());
    }
    support_session_close(&s);
    return status;
}

static void test_step_below_h_min_fails_and_says_so(void **state)
{
    (void)state;
    const char *const settings[] = {"stops=7.4 7.5 7.6", "h_min=0.05", NULL};
    assert_int_equal(fails(&pulse, settings, "the error asks for a step below h_min = 0.05"),
                     ODEON_ERR_NUMERIC);
}

/* ---- stops ---- */

static bool ends_at(size_t n, const solve_attempt *attempts, double stop)
{
    for (size_t i = 0; i < n; i++) {
        double end = attempts[i].t + attempts[i].h;
        if (attempts[i].accepted && fabs(end - stop) <= 4e-15 * fabs(stop)) {
            return true;
        }
    }
    return false;
}

static void check_stops(const char *const *settings)
{
    static outcome out;
    static const double stops[] = {7.4, 7.5, 7.6};
    bool adjoint = false;
    for (size_t i = 0; settings[i] != NULL; i++) {
        adjoint = adjoint || strcmp(settings[i], "gradient=adjoint") == 0;
    }
    solve(&pulse, settings, &out);
    for (int i = 0; i < 3; i++) {
        assert_true(ends_at(out.n, out.forward, stops[i]));
        assert_true(!adjoint || ends_at(out.n_backward, out.backward, stops[i]));
    }
    double sign = out.forward[0].h < 0.0 ? -1.0 : 1.0;
    assert_near("pulse", out.end[0], sign * pulse_end, 1e-5);
    assert_near("gradient", out.gradient, sign * pulse_end, 1e-5);
}

static void test_stops_are_met_both_ways(void **state)
{
    (void)state;
    static const char *const gradients[] = {"gradient=direct", "gradient=adjoint"};
    static const char *const spans[] = {"span=0 15", "span=15 0"};
    static const char *const ways[] = {"end=clip", "end=interpolate", "integrator=adaptive_heun",
                                       "run.device=remote", "control=torchdiffeq"};
    for (int i = 0; i < 20; i++) {
        const char *more = i / 4 == 2 ? "max_steps=100000" : NULL;
        const char *settings[] = {
            "stops=7.6 7.4 7.5", gradients[i % 2], spans[i / 2 % 2], ways[i / 4], more, NULL};
        if (i / 4 == 2) { /* of order 2: a thousand steps are enough */
            settings[5] = NULL;
            settings[4] = "rtol=1e-4";
        }
        check_stops(settings);
    }
}

/* Between outputs, at one and beside one; the outputs are those of a solve without. */
static void test_stops_and_times_go_together(void **state)
{
    (void)state;
    static outcome out;
    static const char *const stops = "stops=7.4 7.5 7.6 10 2";
    problem p = pulse;
    p.block = "times = 0 7.45 10 15\ninitial = 0";
    p.rest = rows;
    p.loss = "cotangent(values=0 0 0 1 0 0 0 0)";
    static const char *const ways[] = {"end=clip", "end=interpolate", "integrator=bosh3",
                                       "gradient=adjoint"};
    for (int i = 0; i < 4; i++) {
        solve(&p, (const char *[]){stops, ways[i], NULL}, &out);
        static const double all[] = {2.0, 7.4, 7.5, 7.6, 10.0};
        for (int k = 0; k < 5; k++) {
            assert_true(ends_at(out.n, out.forward, all[k]));
        }
        double middle = 0.5 * pulse_end * erfc(5.0); /* up to 7.45 */
        assert_near("7.45", out.end[1], middle, 2e-5);
        assert_near("10", out.end[2], pulse_end, 2e-5);
        assert_near("15", out.end[3], pulse_end, 2e-5);
        assert_near("gradient", out.gradient, pulse_end, 2e-5);
    }
}

/* The grid goes on as it was behind a stop. */
static void test_step_size_meets_stops(void **state)
{
    (void)state;
    static outcome out;
    solve(&root, (const char *[]){"step_size=0.25", "stops=0.3 0.5 0.9", NULL}, &out);
    static const double begins[] = {0.0, 0.25, 0.3, 0.5, 0.75, 0.9};
    assert_int_equal(out.n, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_near("begin", out.forward[i].t, begins[i], 1e-15);
    }
}

/* A recorded list has the stops in it. */
static void test_solve_with_stops_replays_to_the_bit(void **state)
{
    (void)state;
    static outcome first, second;
    char path[] = "/tmp/odeon_stops_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    support_session s = open_problem(&pulse, (const char *[]){"stops=7.4 7.5 7.6", NULL});
    take_outcome(&s, &first);
    support_require(session_write_steps(s.session, 0, path), path);
    support_session_close(&s);
    char *control = mem_printf("control=replay(path=%s)", path);
    solve(&pulse, (const char *[]){control, "stops=7.4 7.5 7.6", NULL}, &second);
    assert_true(first.end[0] == second.end[0] && first.gradient == second.gradient);
    mem_free(control);
    (void)unlink(path);
}

/* ---- norms ---- */

/* Beside a component that stays 0 the largest share is the other's own: the steps are those of that
 * one alone, whose norm is the same either way. */
static void test_largest_error_decides_where_norm_is_max(void **state)
{
    (void)state;
    static outcome alone, both, mean;
    static const problem single = {"span = 0 3\ninitial = 1", "equations = x' = x*cos(3*t)", one,
                                   "cotangent(values=1 0)"};
    static const problem beside = {"span = 0 3\ninitial = 1 0",
                                   "equations = x' = x*cos(3*t) | y' = y", one,
                                   "cotangent(values=1 0 0 1)"};
    for (int i = 0; i < N_CONTROLS; i++) {
        solve(&single, (const char *[]){controls[i], NULL}, &alone);
        solve(&beside, (const char *[]){controls[i], "norm=max", NULL}, &both);
        solve(&beside, (const char *[]){controls[i], NULL}, &mean);
        assert_int_equal(both.n, alone.n);
        for (size_t k = 0; k < alone.n; k++) {
            assert_near("h", both.forward[k].h, alone.forward[k].h, 1e-9);
            assert_near("error", both.forward[k].error, alone.forward[k].error, 1e-6);
        }
        /* and the mean of the squares is half the larger one */
        bool differs = mean.n != alone.n;
        for (size_t k = 0; k < mean.n && !differs; k++) {
            differs = fabs(mean.forward[k].h - alone.forward[k].h) > 1e-6;
        }
        assert_true(differs);
    }
}

/* ---- late times ---- */

/* At 1e8 a float32 is a multiple of 8. */
static void test_late_times_are_exact_in_float32(void **state)
{
    (void)state;
    static outcome out;
    static const problem late = {"span = 1e8 100000001\ninitial = 0 0",
                                 "equations = x' = a*cos(w*t) | y' = 0*y\n"
                                 "constants = a=1 w=1\nlearn = a w",
                                 one, "cross_entropy"};
    double end = sin(100000001.0) - sin(1e8);
    double slope = 1.0 / (1.0 + exp(-end)) - 1.0; /* softmax(end, 0), less the label's 1 */
    static const char *const gradients[] = {"gradient=direct", "gradient=adjoint"};
    for (int i = 0; i < 2; i++) {
        solve(&late, (const char *[]){"run.dtype=float32", gradients[i], NULL}, &out);
        assert_near("end", out.end[0], end, 2e-6);
        assert_near(gradients[i], out.gradient, slope * end, 2e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_step_is_chosen_within_the_solve),
        cmocka_unit_test(test_first_step_backward_is_chosen_within_the_solve),
        cmocka_unit_test(test_nearer_probe_is_found_whoever_carries_the_solve_out),
        cmocka_unit_test(test_probe_that_leaves_the_domain_comes_nearer),
        cmocka_unit_test(test_h_max_limits_every_step_both_ways),
        cmocka_unit_test(test_h_max_finds_a_pulse),
        cmocka_unit_test(test_step_below_h_min_fails_and_says_so),
        cmocka_unit_test(test_stops_are_met_both_ways),
        cmocka_unit_test(test_stops_and_times_go_together),
        cmocka_unit_test(test_step_size_meets_stops),
        cmocka_unit_test(test_solve_with_stops_replays_to_the_bit),
        cmocka_unit_test(test_largest_error_decides_where_norm_is_max),
        cmocka_unit_test(test_late_times_are_exact_in_float32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
