/* Output at many times: what comes out, and its gradients against central differences, through
 * every way in which a time can be met: at the end of a step, inside of it, several inside one. */
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

/* A smooth field that depends on time, then a loss that sees every output. */
static const char network[] =
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"
    "[data]\ndataset = idx(path=/nowhere, shape=1 2 2, classes=3)\n"
    "[model.flat]\nlayer = flatten\n"
    "[model.ode]\nlayer = ode\nintegrator = dopri5\ngradient = direct\n"
    "[model.ode.time]\nlayer = concat_time(at=first)\n"
    "[model.ode.a]\nlayer = dense(units=5)\nthen = tanh\n"
    "[model.ode.b]\nlayer = dense(units=state)\nthen = softplus\n"
    "[model.rows]\nlayer = flatten\n"
    "[model.head]\nlayer = dense(units=classes)\n"
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

enum { SAMPLES = 3, FEATURES = 4, MAX_OVERRIDES = 10, MAX_ATTEMPTS = 1024 };

/* What a block did beside its output. */
typedef struct block_run {
    int64_t n;
    double *states; /* [SAMPLES, n_times, FEATURES] */
    ode_counters counters;
    size_t n_attempts;
    solve_attempt attempts[MAX_ATTEMPTS];
} block_run;

/* network without its head: what comes out is what the block gives, and dL/d of each element a
 * number of its own. */
static support_session open_bare(int n_times, const char *const *overrides)
{
    char text[sizeof network];
    memcpy(text, network, sizeof network);
    char *rows = strstr(text, "[model.rows]"), *train = strstr(text, "[train]");
    memset(rows, '\n', (size_t)(train - rows));
    text_buffer loss = {0};
    text_add(&loss, "train.loss=cotangent(values=");
    for (int i = 0; i < SAMPLES * n_times * FEATURES; i++) {
        text_printf(&loss, "%g ", 0.1 * (double)(i % 7) - 0.25);
    }
    text_add(&loss, ")");
    const char *all[MAX_OVERRIDES] = {loss.data};
    for (int i = 0; overrides[i] != NULL; i++) {
        all[i + 1] = overrides[i];
    }
    support_session s = support_session_open(text, SAMPLES, all);
    text_fini(&loss);
    for (int64_t i = 0; i < SAMPLES; i++) {
        s.labels[i] = i;
    }
    return s;
}

static block_run run_block(int n_times, const char *const *overrides)
{
    support_session s = open_bare(n_times, overrides);
    block_run out = {.n = session_output_size(s.session) * SAMPLES};
    out.states = mem_zalloc((size_t)out.n, sizeof *out.states);
    out.counters = support_differentiate(&s, out.states, NULL).blocks[0];
    const solver *solve = s.session->workers[0].site.odes[0]->forward;
    const solve_attempt *attempts = solver_attempts(solve, &out.n_attempts);
    assert_int_equal(out.n, n_times * SAMPLES * FEATURES);
    assert_true(out.n_attempts <= MAX_ATTEMPTS);
    memcpy(out.attempts, attempts, out.n_attempts * sizeof *out.attempts);
    support_session_close(&s);
    return out;
}

/* State i of n_times of every sample. */
static void state_at(const block_run *run, int n_times, int i, double *out)
{
    for (int b = 0; b < SAMPLES; b++) {
        memcpy(out + b * FEATURES, run->states + (b * n_times + i) * FEATURES,
               FEATURES * sizeof *out);
    }
}

/* ---- what comes out ---- */

/* Output i is what a solve that ends there gives. */
static void compare_ends(int n_times, const double *times, const char *list, const char *const *how,
                         const char *const *alone, double tolerance)
{
    const char *all[MAX_OVERRIDES] = {list}, *one[MAX_OVERRIDES] = {NULL};
    for (int i = 0; how[i] != NULL; i++) {
        all[i + 1] = how[i];
    }
    for (int i = 0; alone[i] != NULL; i++) {
        one[i + 1] = alone[i];
    }
    block_run run = run_block(n_times, all);
    double state[SAMPLES * FEATURES];
    for (int i = 1; i < n_times; i++) {
        char *span = mem_printf("model.ode.span=%.17g %.17g", times[0], times[i]);
        one[0] = span;
        block_run single = run_block(1, one);
        state_at(&run, n_times, i, state);
        support_assert_close(list, SAMPLES * FEATURES, state, single.states, tolerance);
        mem_free(single.states);
        mem_free(span);
    }
    mem_free(run.states);
}

static void test_first_output_is_the_start(void **state)
{
    (void)state;
    const char *overrides[] = {"model.ode.times=0 0.5 1", NULL};
    support_session s = open_bare(3, overrides);
    double *out = mem_zalloc(SAMPLES * 3 * FEATURES, sizeof *out);
    (void)support_differentiate(&s, out, NULL);
    for (int b = 0; b < SAMPLES; b++) {
        assert_memory_equal(out + b * 3 * FEATURES, s.x + b * FEATURES, FEATURES * sizeof *out);
    }
    mem_free(out);
    support_session_close(&s);
}

/* Tolerances of 1e-10: the difference is the tolerance's, forward and backward in time. */
static void test_outputs_are_those_of_solves_that_end_there(void **state)
{
    (void)state;
    static const double rising[] = {0.0, 0.1, 0.15, 0.9, 1.0, 2.5};
    static const double falling[] = {1.0, 0.7, 0.65, -0.5};
    const char *tight[] = {"model.ode.rtol=1e-10", "model.ode.atol=1e-10", NULL};
    compare_ends(6, rising, "model.ode.times=0 0.1 0.15 0.9 1 2.5", tight, tight, 2e-9);
    compare_ends(4, falling, "model.ode.times=1 0.7 0.65 -0.5", tight, tight, 2e-9);
}

/* Steps of one size: the same to rounding. */
static void test_outputs_of_fixed_steps_are_those_of_shorter_solves(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.5, 1.0, 1.5};
    const char *how[] = {"model.ode.integrator=rk4", "model.ode.steps=2", NULL};
    const char *alone[] = {"model.ode.integrator=rk4", "model.ode.step_size=0.25", NULL};
    compare_ends(4, times, "model.ode.times=0 0.5 1 1.5", how, alone, 1e-14);
    compare_ends(4, times, "model.ode.times=0 0.5 1 1.5", alone, alone, 1e-14);
}

/* Outputs inside steps cost no evaluation and move no step. */
static void test_interior_times_leave_the_steps_alone(void **state)
{
    (void)state;
    static const char *const ends[] = {"model.ode.end=clip", "model.ode.end=interpolate"};
    for (int e = 0; e < 2; e++) {
        block_run plain = run_block(1, (const char *[]){ends[e], "model.ode.rtol=1e-6", NULL});
        block_run many = run_block(40, (const char *[]){ends[e], "model.ode.rtol=1e-6",
                                                        "model.ode.times=linspace(0 1 40)", NULL});
        assert_int_equal(many.counters.evals_forward, plain.counters.evals_forward);
        assert_int_equal(many.n_attempts, plain.n_attempts);
        for (size_t i = 0; i < plain.n_attempts; i++) {
            assert_true(many.attempts[i].t == plain.attempts[i].t);
            assert_true(many.attempts[i].h == plain.attempts[i].h);
        }
        assert_true(many.counters.accepted < 39);
        double last[SAMPLES * FEATURES];
        state_at(&many, 40, 39, last);
        assert_memory_equal(last, plain.states, sizeof last);
        mem_free(plain.states);
        mem_free(many.states);
    }
}

/* The method `scripted` has no dense output: its steps are cut at every time, and go on with the
 * size that they had. */
static void test_steps_are_cut_short_without_dense_output(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.3, 0.3001, 0.9, 1.0};
    static const char list[] = "model.ode.times=0 0.3 0.3001 0.9 1";
    const char *how[] = {"model.ode.integrator=scripted", "model.ode.rtol=1e-5",
                         "model.ode.atol=1e-5", NULL};
    const char *tight[] = {"model.ode.rtol=1e-10", "model.ode.atol=1e-10", NULL};
    compare_ends(5, times, list, how, tight, 1e-4);
    block_run run = run_block(
        5, (const char *[]){list, how[0], "model.ode.rtol=1e-2", "model.ode.atol=1e-2", NULL});
    size_t met = 0;
    double before = 0.0, after_cut = 0.0;
    for (size_t i = 0; i < run.n_attempts; i++) {
        const solve_attempt *a = &run.attempts[i];
        for (int k = 1; k < 5 && a->accepted; k++) {
            met += i + 1 == run.n_attempts ? k == 4 : run.attempts[i + 1].t == times[k];
        }
        before = a->t < 0.2999 && a->accepted ? a->h : before;
        after_cut = a->t == 0.3001 ? a->h : after_cut;
    }
    assert_int_equal(met, 4);
    print_message("step before the cuts %.3g, behind them %.3g\n", before, after_cut);
    assert_true(after_cut > 100.0 * 1e-4); /* 100 times the step between the two cuts */
    mem_free(run.states);
}

/* Points of the grid 0.2, 0.4, ... and the times, in order; where they meet there is one step. */
static void test_step_size_is_a_grid_united_with_the_times(void **state)
{
    (void)state;
    static const double ends[] = {0.2, 0.25, 0.4, 0.6, 0.7, 0.8, 0.9};
    block_run run =
        run_block(5, (const char *[]){"model.ode.times=0 0.25 0.6 0.7 0.9",
                                      "model.ode.step_size=0.2", "model.ode.integrator=rk4", NULL});
    assert_int_equal(run.n_attempts, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_true(fabs(run.attempts[i].t + run.attempts[i].h - ends[i]) <= 1e-15);
    }
    mem_free(run.states);
}

static void test_steps_count_per_interval(void **state)
{
    (void)state;
    block_run run =
        run_block(4, (const char *[]){"model.ode.times=1 0.5 0.25 -1", "model.ode.steps=3",
                                      "model.ode.integrator=rk4", NULL});
    assert_int_equal(run.n_attempts, 9);
    assert_int_equal(run.counters.evals_forward, 36);
    assert_true(run.attempts[0].h < 0.0 && run.attempts[3].t == 0.5 && run.attempts[6].t == 0.25);
    mem_free(run.states);
}

/* ---- tolerances ---- */

static void test_equal_tolerances_of_each_are_one_of_all(void **state)
{
    (void)state;
    static const char times[] = "model.ode.times=linspace(0 1 4)";
    block_run one = run_block(4, (const char *[]){times, "model.ode.rtol=1e-6", NULL});
    block_run each = run_block(4, (const char *[]){times, "model.ode.rtol=1e-6 1e-6 1e-6 1e-6",
                                                   "model.ode.atol=1e-3 1e-3 1e-3 1e-3", NULL});
    assert_int_equal(one.n_attempts, each.n_attempts);
    for (size_t i = 0; i < one.n_attempts; i++) {
        assert_true(one.attempts[i].h == each.attempts[i].h);
        assert_true(one.attempts[i].error == each.attempts[i].error);
    }
    assert_memory_equal(one.states, each.states, (size_t)one.n * sizeof *one.states);
    mem_free(one.states);
    mem_free(each.states);
}

/* The same words, the worst sample's own error among them. */
static void test_failures_name_the_worst_sample_by_its_tolerances(void **state)
{
    (void)state;
    static const char *const tolerances[] = {"model.ode.rtol=1e-12",
                                             "model.ode.rtol=1e-12 1e-12 1e-12 1e-12"};
    char words[2][DIAG_MESSAGE_BYTES];
    for (int i = 0; i < 2; i++) {
        const char *overrides[] = {tolerances[i], "model.ode.atol=1e-12", "model.ode.max_steps=3",
                                   NULL};
        support_session s = open_bare(1, overrides);
        session_result result;
        assert_int_equal(support_differentiate_try(&s, &result), ODEON_ERR_NUMERIC);
        (void)snprintf(words[i], sizeof words[i], "%s", diag_message());
        diag_clear();
        support_session_close(&s);
    }
    assert_non_null(strstr(words[0], "its own scaled error"));
    assert_string_equal(words[0], words[1]);
}

/* ---- where y starts ---- */

static void test_given_initial_values_are_every_samples_start(void **state)
{
    (void)state;
    const char *overrides[] = {"model.ode.initial=0.5 -1 2 0.25", "model.ode.times=0 1", NULL};
    static const double given[] = {0.5, -1.0, 2.0, 0.25};
    support_session s = open_bare(2, overrides);
    double out[SAMPLES * 2 * FEATURES], d_x[SAMPLES * FEATURES];
    (void)support_differentiate(&s, out, d_x);
    for (int b = 0; b < SAMPLES; b++) {
        assert_memory_equal(out + b * 2 * FEATURES, given, sizeof given);
    }
    for (int i = 0; i < SAMPLES * FEATURES; i++) {
        assert_true(d_x[i] == 0.0);
    }
    support_session_close(&s);
}

/* Samples of 3 states of 2 features: the same as a block that is given the first of them. */
static void test_first_of_several_states_is_the_start(void **state)
{
    (void)state;
#define STATES(shape, initial)                                                                     \
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"                       \
    "[data]\ndataset = idx(path=/nowhere, shape=" shape ", classes=3)\n"                           \
    "[model.ode]\nlayer = ode\nintegrator = rk4\nsteps = 3\ngradient = direct\n" initial           \
    "[model.ode.f]\nlayer = dense(units=1)\nthen = tanh\n"                                         \
    "[model.flat]\nlayer = flatten\n[model.head]\nlayer = dense(units=classes)\n"                  \
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n"
    support_session several =
        support_session_open(STATES("3 2 1", "initial = first\ntimes = 0 1\n"), SAMPLES, NULL);
    support_session one = support_session_open(STATES("2 1", "times = 0 1\n"), SAMPLES, NULL);
    double d_x[SAMPLES * 6], d_first[SAMPLES * 2];
    for (int b = 0; b < SAMPLES; b++) {
        memcpy(one.x + 2 * b, several.x + 6 * b, 2 * sizeof(double));
        one.labels[b] = several.labels[b];
    }
    double loss = support_differentiate(&several, NULL, d_x).loss;
    assert_true(loss == support_differentiate(&one, NULL, d_first).loss);
    for (int b = 0; b < SAMPLES; b++) {
        assert_memory_equal(d_x + 6 * b, d_first + 2 * b, 2 * sizeof(double));
        for (int i = 2; i < 6; i++) {
            assert_true(d_x[6 * b + i] == 0.0);
        }
    }
    support_session_close(&several);
    support_session_close(&one);
}

/* The end alone, from given numbers: the last of several outputs. */
static void test_end_alone_may_start_from_given_numbers(void **state)
{
    (void)state;
    const char *initial = "model.ode.initial=0.5 -1 2 0.25", *rk4 = "model.ode.integrator=rk4";
    block_run end = run_block(1, (const char *[]){initial, rk4, "model.ode.steps=4", NULL});
    block_run both = run_block(
        2, (const char *[]){initial, rk4, "model.ode.steps=4", "model.ode.times=0 1", NULL});
    double last[SAMPLES * FEATURES];
    state_at(&both, 2, 1, last);
    assert_memory_equal(last, end.states, sizeof last);
    mem_free(end.states);
    mem_free(both.states);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_output_is_the_start),
        cmocka_unit_test(test_outputs_are_those_of_solves_that_end_there),
        cmocka_unit_test(test_outputs_of_fixed_steps_are_those_of_shorter_solves),
        cmocka_unit_test(test_interior_times_leave_the_steps_alone),
        cmocka_unit_test(test_steps_are_cut_short_without_dense_output),
        cmocka_unit_test(test_step_size_is_a_grid_united_with_the_times),
        cmocka_unit_test(test_steps_count_per_interval),
        cmocka_unit_test(test_equal_tolerances_of_each_are_one_of_all),
        cmocka_unit_test(test_failures_name_the_worst_sample_by_its_tolerances),
        cmocka_unit_test(test_given_initial_values_are_every_samples_start),
        cmocka_unit_test(test_first_of_several_states_is_the_start),
        cmocka_unit_test(test_end_alone_may_start_from_given_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
