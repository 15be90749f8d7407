/* Step control against values worked out by hand from its formulas (device.h, odeon_control) and
 * from the peers' rules that its presets stand for. */
#include "support.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "odeon/device_solver.h"
#include "odeon/kit/step_control.h"

/* Powers and products in another order of operations: a few ulp. */
static const double few_ulp = 8 * DBL_EPSILON;

/* torchdiffeq's dopri5: accept at <= 1, factor clip(0.9 error^(-1/5), error < 1 ? 1 : 0.2, 10). */
static odeon_control torchdiffeq_control(void)
{
    return (odeon_control){.struct_size = sizeof(odeon_control),
                           .accept_rule = ODEON_ACCEPT_LE,
                           .norm = ODEON_NORM_RMS,
                           .parts_rule = ODEON_PARTS_JOINT,
                           .n_parts = 1,
                           .count = {1},
                           .rtol = 1e-7,
                           .atol = 1e-9,
                           .safety = 0.9,
                           .factor_min = 0.2,
                           .factor_max = 10.0,
                           .factor_max_first = 10.0,
                           .factor_min_accept = 1.0,
                           .beta = {0.2, 0.0, 0.0},
                           .beta_reject = 0.2,
                           .history_start = 1.0,
                           .history_floor = 0.0,
                           .steady_low = 1.0,
                           .steady_high = 1.0,
                           .h_min = 0.0,
                           .h_max = HUGE_VAL,
                           .start_exponent = 0.2};
}

/* SciML's PI of order 5: q = clip(error^b1 / previous^b2 / gamma, 1/qmax, 1/qmin), h / q. */
static odeon_control sciml_control(void)
{
    odeon_control control = torchdiffeq_control();
    control.factor_max_first = 10000.0;
    control.factor_min_accept = 0.2;
    control.beta[0] = 0.14;
    control.beta[1] = -0.08;
    control.beta_reject = 0.14;
    control.history_start = 1e-4;
    control.history_floor = 1e-4;
    return control;
}

/* Slots of a solve without end at t with step h, one step behind it, whose one part has the given
 * error. */
static void arrange(double *slots, const odeon_control *control, double t, double h, double error)
{
    memset(slots, 0, ODEON_SLOTS * sizeof *slots);
    slots[ODEON_SLOT_T] = t;
    slots[ODEON_SLOT_H] = h;
    slots[ODEON_SLOT_STEPS] = 1.0;
    slots[ODEON_SLOT_HISTORY] = control->history_start;
    slots[ODEON_SLOT_HISTORY + 1] = control->history_start;
    slots[ODEON_SLOT_ERROR_SUM] = error * error;
    slots[ODEON_SLOT_END] = slots[ODEON_SLOT_REACH] = HUGE_VAL;
}

/* The ratio of the next step to a step of size 0.5 from 1.0 with this error. */
static double factor_of(const odeon_control *control, double error)
{
    double slots[ODEON_SLOTS];
    arrange(slots, control, 1.0, 0.5, error);
    odeon_kit_step_control(control, slots);
    return slots[ODEON_SLOT_H] / 0.5;
}

static void assert_near(double actual, double expected)
{
    if (!(fabs(actual - expected) <= few_ulp * fabs(expected))) {
        fail_msg("%.17g is not %.17g", actual, expected);
    }
}

static void test_estimates_are_joined_by_their_rule(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS] = {0.0};
    control.n_estimates = 2;
    slots[ODEON_SLOT_ERROR_SUM + control.n_parts - 1] = 0.0;
    double *first = slots + ODEON_SLOT_ERROR_SUM, *second = first + control.n_parts;
    first[0] = 9.0 * (double)control.count[0];
    second[0] = 1600.0 * (double)control.count[0];
    control.estimate_rule = ODEON_JOIN_FIRST;
    assert_near(odeon_kit_error_norm(&control, slots), 3.0);
    control.estimate_rule = ODEON_JOIN_LARGEST;
    assert_near(odeon_kit_error_norm(&control, slots), 40.0);
    control.estimate_rule = ODEON_JOIN_DOP853;
    assert_near(odeon_kit_error_norm(&control, slots), 9.0 / sqrt(9.0 + 0.01 * 1600.0));
    first[0] = 0.0;
    assert_true(odeon_kit_error_norm(&control, slots) == 0.0);
    second[0] = 0.0;
    assert_true(odeon_kit_error_norm(&control, slots) == 0.0);
    second[0] = (double)INFINITY; /* neither may be lost */
    assert_true(!(odeon_kit_error_norm(&control, slots) <= 1.0));
    second[0] = 1.0;
    first[0] = (double)NAN;
    assert_true(!(odeon_kit_error_norm(&control, slots) <= 1.0));
    control.n_estimates = 1;
    first[0] = 4.0 * (double)control.count[0];
    assert_near(odeon_kit_error_norm(&control, slots), 2.0);
}

/* Gustafsson's factor, and the error's own where that is less or there is no step before. */
static void test_the_step_before_predicts(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS], error = 0.5, h = 0.5;
    control.factor_min_accept = 0.01;
    control.factor_max = 100.0;
    control.beta[0] = 2.0 / 3.0;
    control.beta[1] = -1.0 / 3.0;
    control.alpha = 1.0;
    control.history_floor = 0.0;
    double alone = control.safety * pow(error, -1.0 / 3.0);
    for (int i = 0; i < 3; i++) {
        double before = i == 0 ? 0.0 : i == 1 ? 1.0 : 0.25;
        arrange(slots, &control, 1.0, h, error);
        slots[ODEON_SLOT_H_BEFORE] = before;
        slots[ODEON_SLOT_HISTORY] = 0.4;
        odeon_kit_step_control(&control, slots);
        double predicted =
            control.safety * pow(error, -2.0 / 3.0) * pow(0.4, 1.0 / 3.0) * h / before;
        assert_near(slots[ODEON_SLOT_H] / h, i == 1 ? predicted : alone);
        assert_true(slots[ODEON_SLOT_H_BEFORE] == h);
    }
    slots[ODEON_SLOT_H] = 0.3;
    odeon_kit_step_start(&control, 3, slots);
    assert_true(slots[ODEON_SLOT_H_BEFORE] == 0.0);
}

static void test_scalar_adds_its_slot(void **state)
{
    (void)state;
    double slots[ODEON_SLOTS] = {[ODEON_SLOT_H] = 0.25};
    assert_near(odeon_kit_scalar((odeon_scalar){2.0, 4.0, ODEON_SLOT_H, 0}, slots), 3.0);
    assert_near(odeon_kit_scalar((odeon_scalar){2.0, 4.0, -1, 0}, NULL), 2.0);
}

static void test_stage_times_are_t_plus_c_h(void **state)
{
    (void)state;
    static const double c[] = {0.0, 0.5, 1.0};
    double slots[ODEON_SLOTS] = {[ODEON_SLOT_T] = 2.0, [ODEON_SLOT_H] = -0.5};
    slots[ODEON_SLOT_STAGE_T + 3] = 7.0;
    odeon_kit_stage_times(3, c, slots);
    assert_near(slots[ODEON_SLOT_STAGE_T], 2.0);
    assert_near(slots[ODEON_SLOT_STAGE_T + 1], 1.75);
    assert_near(slots[ODEON_SLOT_STAGE_T + 2], 1.5);
    assert_near(slots[ODEON_SLOT_STAGE_T + 3], 7.0);
}

static void test_error_norm_joins_parts_or_takes_the_worst(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS] = {0};
    slots[ODEON_SLOT_ERROR_SUM] = 8.0;       /* two elements: RMS 2 */
    slots[ODEON_SLOT_ERROR_SUM + 1] = 999.0; /* none: does not count */
    slots[ODEON_SLOT_ERROR_SUM + 2] = 6.0;   /* six elements: RMS 1 */
    control.n_parts = 3;
    control.count[0] = 2;
    control.count[1] = 0;
    control.count[2] = 6;
    assert_near(odeon_kit_error_norm(&control, slots), sqrt(14.0 / 8.0));
    control.parts_rule = ODEON_PARTS_MAX;
    assert_near(odeon_kit_error_norm(&control, slots), 2.0);
    control.norm = ODEON_NORM_MAX;
    assert_near(odeon_kit_error_norm(&control, slots), 8.0);
    control.parts_rule = ODEON_PARTS_JOINT;
    assert_near(odeon_kit_error_norm(&control, slots), 8.0);
}

static void test_error_norm_of_nothing_is_zero(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS] = {0};
    control.count[0] = 0;
    assert_true(odeon_kit_error_norm(&control, slots) == 0.0);
}

static void test_error_norm_keeps_a_nan_of_any_part(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    control.n_parts = 2;
    control.count[0] = control.count[1] = 1;
    for (int rule = ODEON_PARTS_JOINT; rule <= ODEON_PARTS_MAX; rule++) {
        for (int part = 0; part < 2; part++) {
            double slots[ODEON_SLOTS] = {0};
            slots[ODEON_SLOT_ERROR_SUM + part] = (double)NAN;
            slots[ODEON_SLOT_ERROR_SUM + 1 - part] = 5.0;
            control.parts_rule = rule;
            assert_true(isnan(odeon_kit_error_norm(&control, slots)));
        }
    }
}

static void test_torchdiffeq_factor_follows_its_rule(void **state)
{
    (void)state;
    static const struct {
        double error, factor;
    } cases[] = {
        {0.0, 10.0},    {1e-9, 10.0}, /* 0.9 * 63 is cut to 10 */
        {0.03125, 1.8},               /* 0.9 * 2 */
        {0.9, 1.0},                   /* 0.919: does not shrink below error 1 */
        {1.0, 0.9},                   /* accepted, yet shrinks */
        {32.0, 0.45},   {1e9, 0.2},   {HUGE_VAL, 0.2}, {(double)NAN, 0.2},
    };
    odeon_control control = torchdiffeq_control();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_near(factor_of(&control, cases[i].error), cases[i].factor);
    }
}

static void test_sciml_factor_uses_the_error_before(void **state)
{
    (void)state;
    odeon_control control = sciml_control();
    double slots[ODEON_SLOTS];
    arrange(slots, &control, 0.0, 1.0, 0.5);
    odeon_kit_step_control(&control, slots);
    double first = 0.9 * pow(0.5, -0.14) * pow(1e-4, 0.08);
    assert_near(slots[ODEON_SLOT_H], first);

    slots[ODEON_SLOT_ERROR_SUM] = 0.04; /* error 0.2 */
    odeon_kit_step_control(&control, slots);
    assert_near(slots[ODEON_SLOT_H], first * 0.9 * pow(0.2, -0.14) * pow(0.5, 0.08));
    assert_near(slots[ODEON_SLOT_HISTORY], 0.2);
    assert_near(slots[ODEON_SLOT_HISTORY + 1], 0.5);
}

static void test_sciml_rejection_leaves_the_history(void **state)
{
    (void)state;
    odeon_control control = sciml_control();
    double slots[ODEON_SLOTS];
    arrange(slots, &control, 0.0, 1.0, 4.0);
    slots[ODEON_SLOT_HISTORY] = 0.25;
    odeon_kit_step_control(&control, slots);
    assert_near(slots[ODEON_SLOT_H], 0.9 * pow(4.0, -0.14));
    assert_near(slots[ODEON_SLOT_HISTORY], 0.25);
    assert_near(slots[ODEON_SLOT_HISTORY + 1], 1e-4);
}

static void test_sciml_history_has_a_floor(void **state)
{
    (void)state;
    odeon_control control = sciml_control();
    double slots[ODEON_SLOTS];
    arrange(slots, &control, 0.0, 1.0, 1e-9);
    odeon_kit_step_control(&control, slots);
    assert_near(slots[ODEON_SLOT_HISTORY], 1e-4);
}

static void test_sciml_first_accepted_step_may_grow_further(void **state)
{
    (void)state;
    odeon_control control = sciml_control();
    double slots[ODEON_SLOTS];
    arrange(slots, &control, 0.0, 1e-6, 0.0);
    slots[ODEON_SLOT_STEPS] = 0.0;
    odeon_kit_step_control(&control, slots);
    assert_near(slots[ODEON_SLOT_H], 1e-2);
    slots[ODEON_SLOT_ERROR_SUM] = 0.0;
    odeon_kit_step_control(&control, slots);
    assert_near(slots[ODEON_SLOT_H], 1e-1);
}

static void test_third_coefficient_weighs_the_error_before_last(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS];
    control.factor_min_accept = 0.2;
    control.beta[1] = -0.1;
    control.beta[2] = 0.05;
    arrange(slots, &control, 0.0, 1.0, 0.5);
    slots[ODEON_SLOT_HISTORY] = 0.25;
    slots[ODEON_SLOT_HISTORY + 1] = 0.125;
    odeon_kit_step_control(&control, slots);
    assert_near(slots[ODEON_SLOT_H], 0.9 * pow(0.5, -0.2) * pow(0.25, 0.1) * pow(0.125, -0.05));
}

static void test_steady_band_keeps_the_step(void **state)
{
    (void)state;
    odeon_control control = sciml_control();
    control.beta[1] = 0.0;
    control.steady_high = 1.2;
    assert_near(factor_of(&control, 0.99), 1.0);                    /* 1/0.9013 is in the band */
    assert_near(factor_of(&control, 0.25), 0.9 * pow(0.25, -0.14)); /* grows: 1/1.09 is not */
}

static void test_strict_rule_rejects_error_one(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS];
    control.accept_rule = ODEON_ACCEPT_LT;
    arrange(slots, &control, 0.0, 1.0, 1.0);
    odeon_kit_step_control(&control, slots);
    assert_true(slots[ODEON_SLOT_ACCEPT] == 0.0);
    assert_near(slots[ODEON_SLOT_H], 0.9);
}

static void test_accepted_step_moves_on(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS];
    arrange(slots, &control, 1.0, 0.5, 0.03125);
    odeon_kit_step_control(&control, slots);
    assert_near(slots[ODEON_SLOT_ERROR], 0.03125);
    assert_true(slots[ODEON_SLOT_ACCEPT] == 1.0);
    assert_true(slots[ODEON_SLOT_DONE] == 0.0);
    assert_true(slots[ODEON_SLOT_STATUS] == ODEON_STEP_OK);
    assert_true(slots[ODEON_SLOT_T] == 1.5);
    assert_true(slots[ODEON_SLOT_STEPS] == 2.0);
    assert_true(slots[ODEON_SLOT_REJECTS] == 0.0);
}

static void test_nonfinite_error_rejects(void **state)
{
    (void)state;
    static const double errors[] = {(double)NAN, HUGE_VAL};
    odeon_control control = torchdiffeq_control();
    for (size_t i = 0; i < 2; i++) {
        double slots[ODEON_SLOTS];
        arrange(slots, &control, 1.0, 0.5, errors[i]);
        odeon_kit_step_control(&control, slots);
        assert_true(slots[ODEON_SLOT_ACCEPT] == 0.0);
        assert_true(slots[ODEON_SLOT_STATUS] == ODEON_STEP_NONFINITE);
        assert_true(slots[ODEON_SLOT_T] == 1.0);
        assert_true(slots[ODEON_SLOT_STEPS] == 1.0);
        assert_true(slots[ODEON_SLOT_REJECTS] == 1.0);
    }
}

/* Runs with error 0.5 at every step; returns the steps taken until DONE, at most 1000. */
static int run_to_end(const odeon_control *control, double *slots)
{
    int steps = 0;
    while (slots[ODEON_SLOT_DONE] == 0.0 && steps < 1000) {
        slots[ODEON_SLOT_ERROR_SUM] = 0.25;
        odeon_kit_step_control(control, slots);
        steps++;
    }
    return steps;
}

static void test_solve_ends_at_t1_exactly(void **state)
{
    (void)state;
    static const double spans[][2] = {{0.0, 1.0}, {0.1, 0.7}, {1.0, 0.0}, {0.3, -2.7}};
    for (size_t i = 0; i < 4; i++) {
        odeon_control control = torchdiffeq_control();
        double slots[ODEON_SLOTS] = {[ODEON_SLOT_T] = spans[i][0],
                                     [ODEON_SLOT_H] = 0.013,
                                     [ODEON_SLOT_END] = spans[i][1],
                                     [ODEON_SLOT_REACH] = spans[i][1]};
        odeon_kit_step_start(&control, 3, slots);
        assert_true(signbit(slots[ODEON_SLOT_H]) == signbit(spans[i][1] - spans[i][0]));
        assert_in_range(run_to_end(&control, slots), 3, 999);
        assert_true(slots[ODEON_SLOT_T] == spans[i][1]);
    }
}

static void test_step_that_reaches_t1_is_cut_and_marked(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS];
    arrange(slots, &control, 1.0, 0.5, 0.03125); /* proposes 0.9 at 1.5 */
    slots[ODEON_SLOT_END] = 2.0;
    odeon_kit_step_control(&control, slots);
    assert_true(slots[ODEON_SLOT_LAST] == 1.0);
    assert_true(slots[ODEON_SLOT_H] == 0.5);
    assert_true(slots[ODEON_SLOT_DONE] == 0.0);
}

static void test_rejected_last_step_is_last_no_more(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS];
    arrange(slots, &control, 1.0, 0.5, 32.0);
    slots[ODEON_SLOT_END] = 1.5;
    slots[ODEON_SLOT_LAST] = 1.0;
    odeon_kit_step_control(&control, slots);
    assert_true(slots[ODEON_SLOT_LAST] == 0.0);
    assert_true(slots[ODEON_SLOT_DONE] == 0.0);
    assert_near(slots[ODEON_SLOT_H], 0.225);
}

static void test_sliver_before_t1_is_taken_along(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double end = 2.0 + 90.0 * DBL_EPSILON; /* 45 ulp of it further than the step */
    double slots[ODEON_SLOTS] = {
        [ODEON_SLOT_T] = 1.0, [ODEON_SLOT_H] = 1.0, [ODEON_SLOT_END] = end};
    odeon_kit_step_start(&control, 3, slots);
    assert_true(slots[ODEON_SLOT_LAST] == 1.0);
    assert_true(slots[ODEON_SLOT_H] == end - 1.0);
}

static void test_rejected_step_may_be_filtered_too(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS];
    control.reject_rule = ODEON_REJECT_FILTER;
    control.factor_max_reject = 0.9;
    control.beta[1] = -0.1;
    arrange(slots, &control, 1.0, 0.5, 32.0);
    slots[ODEON_SLOT_HISTORY] = 0.5;
    odeon_kit_step_control(&control, slots);
    assert_near(slots[ODEON_SLOT_H], 0.5 * 0.9 * pow(32.0, -0.2) * pow(0.5, 0.1));
    arrange(slots, &control, 1.0, 0.5, 1.5);
    slots[ODEON_SLOT_HISTORY] = 100.0; /* asks for 1.31 */
    odeon_kit_step_control(&control, slots);
    assert_near(slots[ODEON_SLOT_H], 0.5 * 0.9);
    arrange(slots, &control, 1.0, 0.5, HUGE_VAL);
    odeon_kit_step_control(&control, slots);
    assert_near(slots[ODEON_SLOT_H], 0.5 * 0.2);
}

static void test_second_try_of_a_last_step_may_be_half_of_what_is_left(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    control.last_rule = ODEON_LAST_HALVE;
    static const double errors[] = {1.5, 0.5}; /* rejected: 0.83 of 1 is more than 0.7 */
    for (int i = 0; i < 2; i++) {
        double slots[ODEON_SLOTS];
        arrange(slots, &control, 1.0, 1.0, errors[i]);
        slots[ODEON_SLOT_END] = i == 0 ? 1.75 : 2.5;
        odeon_kit_step_control(&control, slots);
        assert_true(slots[ODEON_SLOT_LAST] == (double)i);
        assert_near(slots[ODEON_SLOT_H], i == 0 ? 0.375 : 0.5);
    }
}

/* FastPower.jl, by hand: log2 of 0.5 is -1, of 3/8 = 2^-1 0.75 it is -1 + L(-0.25). */
static void test_fast_power_is_the_published_one(void **state)
{
    (void)state;
    odeon_control control = sciml_control();
    control.power_rule = ODEON_POWER_FAST;
    double old =
        exp2(0.08 * (-13.0 - 0.1808 * (2.198599 - 0.338953 * 0.1808) / (1.523692 - 0.1808)));
    double slots[ODEON_SLOTS];
    static const double errors[] = {0.5, 0.375};
    const double logs[] = {-1.0, -1.0 - 0.25 * (2.198599 - 0.25 * 0.338953) / (1.523692 - 0.25)};
    for (int i = 0; i < 2; i++) {
        arrange(slots, &control, 0.0, 1.0, errors[i]);
        odeon_kit_step_control(&control, slots);
        double expected = 0.9 / exp2(0.14 * logs[i]) * old;              /* 1e-4 = 2^-13 0.8192 */
        assert_true(fabs(slots[ODEON_SLOT_H] / expected - 1.0) <= 5e-7); /* float32 */
        double exact = 0.9 * pow(errors[i], -0.14) * pow(1e-4, 0.08);
        assert_true(fabs(slots[ODEON_SLOT_H] / exact - 1.0) <= 4e-5);
        assert_true(slots[ODEON_SLOT_H] != exact);
    }
    arrange(slots, &control, 0.0, 1.0, 1e-60); /* 0 in float32 */
    odeon_kit_step_control(&control, slots);
    assert_true(slots[ODEON_SLOT_H] == 10.0);
}

static void test_step_is_limited_to_h_max(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS];
    control.h_max = 0.6;
    arrange(slots, &control, 1.0, -0.5, 0.03125);
    slots[ODEON_SLOT_END] = -HUGE_VAL;
    odeon_kit_step_control(&control, slots);
    assert_true(slots[ODEON_SLOT_H] == -0.6);
}

/* What is left of rounding, 100 DBL_EPSILON of the times, belongs to the last step; no more. */
static void test_step_that_ends_within_rounding_is_the_last(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double least = 1.0 - 100.0 * DBL_EPSILON, less = nextafter(least, 0.0);
    double slots[ODEON_SLOTS] = {[ODEON_SLOT_H] = least, [ODEON_SLOT_END] = 1.0};
    odeon_kit_step_start(&control, 3, slots);
    assert_true(slots[ODEON_SLOT_LAST] == 1.0 && slots[ODEON_SLOT_H] == 1.0);
    slots[ODEON_SLOT_H] = less;
    odeon_kit_step_start(&control, 3, slots);
    assert_true(slots[ODEON_SLOT_LAST] == 0.0 && slots[ODEON_SLOT_H] == less);
}

static void test_step_below_h_min_is_underflow(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS];
    control.h_min = 0.4;
    arrange(slots, &control, 1.0, 0.4, 32.0);
    odeon_kit_step_control(&control, slots);
    assert_true(slots[ODEON_SLOT_STATUS] == ODEON_STEP_UNDERFLOW);
}

static void test_step_below_least_is_underflow(void **state)
{
    (void)state;
    static const double least[] = {0.1, 0.4, (double)NAN};
    for (size_t i = 0; i < 3; i++) {
        odeon_control control = torchdiffeq_control();
        double slots[ODEON_SLOTS];
        arrange(slots, &control, 1.0, 0.5, 32.0); /* proposes 0.225 */
        slots[ODEON_SLOT_LEAST] = least[i];
        odeon_kit_step_control(&control, slots);
        assert_true((slots[ODEON_SLOT_STATUS] == ODEON_STEP_UNDERFLOW) == (i > 0));
    }
}

static void test_step_lost_in_t_is_underflow(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS];
    arrange(slots, &control, 1.0, DBL_EPSILON, 1e9);
    odeon_kit_step_control(&control, slots);
    assert_true(slots[ODEON_SLOT_STATUS] == ODEON_STEP_UNDERFLOW);
}

static void test_last_step_may_be_shorter_than_h_min(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS];
    control.h_min = 0.4;
    arrange(slots, &control, 1.0, 0.5, 0.5);
    slots[ODEON_SLOT_LEAST] = 0.4;
    slots[ODEON_SLOT_END] = 1.75;
    odeon_kit_step_control(&control, slots);
    assert_true(slots[ODEON_SLOT_LAST] == 1.0);
    assert_true(slots[ODEON_SLOT_STATUS] == ODEON_STEP_OK);
}

/* Phases 0 to 2 on the three norms, from 0 to end; slots receive what they leave. */
static double start_to(double end, const odeon_control *control, double d0, double d1,
                       double change, double *slots)
{
    const double norms[] = {d0, d1, change};
    memset(slots, 0, ODEON_SLOTS * sizeof *slots);
    slots[ODEON_SLOT_STEPS] = slots[ODEON_SLOT_REJECTS] = slots[ODEON_SLOT_DONE] = 5.0;
    slots[ODEON_SLOT_STOP] = slots[ODEON_SLOT_TRIALS] = 5.0;
    slots[ODEON_SLOT_END] = end;
    for (int32_t phase = 0; phase < 3; phase++) {
        slots[ODEON_SLOT_ERROR_SUM] = norms[phase] * norms[phase];
        odeon_kit_step_start(control, phase, slots);
    }
    return slots[ODEON_SLOT_H];
}

static double start_from(const odeon_control *control, double d0, double d1, double change,
                         double *slots)
{
    return start_to(HUGE_VAL, control, d0, d1, change, slots);
}

/* A larger one was rejected, a shorter one accepted, or it is the first. */
static void test_step_of_h_min_is_tried(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    control.h_min = 0.4;
    static const double sizes[] = {0.5, 0.1}, errors[] = {32.0, 0.9};
    for (int i = 0; i < 2; i++) {
        double slots[ODEON_SLOTS];
        arrange(slots, &control, 1.0, -sizes[i], errors[i]);
        slots[ODEON_SLOT_END] = -HUGE_VAL;
        odeon_kit_step_control(&control, slots);
        assert_true(slots[ODEON_SLOT_STATUS] == ODEON_STEP_OK);
        assert_true(slots[ODEON_SLOT_H] == -0.4);
    }
    double slots[ODEON_SLOTS];
    assert_true(start_from(&control, 2.0, 4.0, 3.0, slots) == 0.4); /* 0.11 */
    assert_true(slots[ODEON_SLOT_STATUS] == ODEON_STEP_OK);
}

static void test_first_step_follows_hairer(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS];
    /* h0 = 0.01 * 2/4; d2 = 3/h0; h1 = (0.01 / d2)^(1/5) */
    assert_near(start_from(&control, 2.0, 4.0, 3.0, slots), pow(0.01 / 600.0, 0.2));
    /* d1 the larger: d2 = 0.005/h0 = 1 */
    assert_near(start_from(&control, 2.0, 4.0, 0.005, slots), pow(0.01 / 4.0, 0.2));
    /* h0 = 1e-6 as d0 is small; h1 = (0.01 / 4)^(1/5) is beyond 100 h0 */
    assert_near(start_from(&control, 1e-6, 4.0, 1e-7, slots), 1e-4);
    /* flat: h0 = 1e-6, h1 = max(1e-6, 1e-9) */
    assert_near(start_from(&control, 1.0, 0.0, 0.0, slots), 1e-6);
}

static void test_first_probe_points_to_the_end(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS] = {[ODEON_SLOT_ERROR_SUM] = 4.0, [ODEON_SLOT_END] = -1.0};
    odeon_kit_step_start(&control, 0, slots);
    slots[ODEON_SLOT_ERROR_SUM] = 16.0;
    odeon_kit_step_start(&control, 1, slots);
    assert_near(slots[ODEON_SLOT_H], -0.005);
    slots[ODEON_SLOT_ERROR_SUM] = 9.0;
    odeon_kit_step_start(&control, 2, slots);
    assert_near(slots[ODEON_SLOT_H], -pow(0.01 / 600.0, 0.2));
}

/* d0 / d1 = 1000: the rule's probe lies at 10, what is left is 2, the field is flat. */
static void test_start_within_the_solve_probes_no_farther(void **state)
{
    (void)state;
    static const struct {
        int32_t rule;
        double h_max, probe, size;
    } cases[] = {{ODEON_START_FREE, HUGE_VAL, 10.0, 10.0},
                 {ODEON_START_WITHIN, HUGE_VAL, 2.0, 2.0},
                 {ODEON_START_WITHIN, 0.25, 0.25, 0.25},
                 {ODEON_START_FREE, 0.25, 10.0, 0.25}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        odeon_control control = sciml_control();
        control.start_rule = cases[i].rule;
        control.h_max = cases[i].h_max;
        control.start_exponent = 1.0;
        double slots[ODEON_SLOTS] = {[ODEON_SLOT_T] = 1.0, [ODEON_SLOT_END] = -HUGE_VAL};
        slots[ODEON_SLOT_REACH] = -1.0;
        const double norms[] = {1.0, 1e-3, 0.0};
        for (int32_t phase = 0; phase < 3; phase++) {
            slots[ODEON_SLOT_ERROR_SUM] = norms[phase] * norms[phase];
            odeon_kit_step_start(&control, phase, slots);
            if (phase == 1) {
                assert_near(slots[ODEON_SLOT_H], -cases[i].probe);
                assert_near(slots[ODEON_SLOT_PROBE], cases[i].probe);
            }
        }
        assert_near(slots[ODEON_SLOT_H], -cases[i].size); /* of h1 = 0.01 / 1e-3, without an end */
    }
}

static void test_probe_without_a_value_comes_nearer(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS];
    (void)start_to(2.0, &control, 1.0, 1e-3, HUGE_VAL, slots);
    assert_true(slots[ODEON_SLOT_STATUS] == ODEON_STEP_NONFINITE && slots[ODEON_SLOT_STOP] == 1.0);
    slots[ODEON_SLOT_REACH] = 2.0;
    static const double probes[] = {2.0, 0.2, 0.02};
    for (int i = 0; i < 3; i++) {
        odeon_kit_step_start(&control, 4, slots);
        assert_near(slots[ODEON_SLOT_H], probes[i]);
        assert_near(slots[ODEON_SLOT_PROBE], probes[i]);
    }
    slots[ODEON_SLOT_ERROR_SUM] = 0.0;
    odeon_kit_step_start(&control, 2, slots);
    assert_true(slots[ODEON_SLOT_STATUS] == ODEON_STEP_OK && slots[ODEON_SLOT_STOP] == 0.0);
    assert_near(slots[ODEON_SLOT_H], pow(0.01 / 1e-3, 0.2));
}

static void test_start_sets_counters_and_history(void **state)
{
    (void)state;
    odeon_control control = sciml_control();
    double slots[ODEON_SLOTS];
    (void)start_from(&control, 2.0, 4.0, 3.0, slots);
    assert_true(slots[ODEON_SLOT_STEPS] == 0.0);
    assert_true(slots[ODEON_SLOT_REJECTS] == 0.0);
    assert_true(slots[ODEON_SLOT_TRIALS] == 0.0);
    assert_true(slots[ODEON_SLOT_DONE] == 0.0);
    assert_true(slots[ODEON_SLOT_STOP] == 0.0);
    assert_true(slots[ODEON_SLOT_ACCEPT] == 0.0);
    assert_true(slots[ODEON_SLOT_STATUS] == ODEON_STEP_OK);
    assert_true(slots[ODEON_SLOT_HISTORY] == 1e-4);
    assert_true(slots[ODEON_SLOT_HISTORY + 1] == 1e-4);
}

static void test_first_step_is_cut_at_the_end(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS];
    assert_true(start_to(0.01, &control, 2.0, 4.0, 3.0, slots) == 0.01);
    assert_true(slots[ODEON_SLOT_LAST] == 1.0);
}

static void test_nonfinite_start_says_so(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS];
    (void)start_from(&control, 2.0, 4.0, (double)NAN, slots);
    assert_true(slots[ODEON_SLOT_STATUS] == ODEON_STEP_NONFINITE && slots[ODEON_SLOT_STOP] == 1.0);
    (void)start_from(&control, (double)NAN, 4.0, 3.0, slots);
    assert_true(slots[ODEON_SLOT_STATUS] == ODEON_STEP_NONFINITE && slots[ODEON_SLOT_STOP] == 1.0);
}

static void test_empty_span_is_done_at_once(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS] = {
        [ODEON_SLOT_T] = 2.0, [ODEON_SLOT_H] = 0.1, [ODEON_SLOT_END] = 2.0};
    odeon_kit_step_start(&control, 3, slots);
    assert_true(slots[ODEON_SLOT_DONE] == 1.0);
    assert_true(slots[ODEON_SLOT_STOP] == 1.0);
    assert_true(slots[ODEON_SLOT_STATUS] == ODEON_STEP_OK);
}

static void test_underflow_of_the_first_step_stops(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS] = {[ODEON_SLOT_T] = 2.0,
                                 [ODEON_SLOT_H] = 0.1,
                                 [ODEON_SLOT_LEAST] = 0.2,
                                 [ODEON_SLOT_END] = 4.0};
    odeon_kit_step_start(&control, 3, slots);
    assert_true(slots[ODEON_SLOT_STATUS] == ODEON_STEP_UNDERFLOW);
    assert_true(slots[ODEON_SLOT_STOP] == 1.0);
}

/* ---- the end of a loop of steps ---- */

static void test_done_stops(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS];
    arrange(slots, &control, 1.0, 0.5, 0.03125);
    slots[ODEON_SLOT_END] = 1.5;
    slots[ODEON_SLOT_LAST] = 1.0;
    odeon_kit_step_control(&control, slots);
    assert_true(slots[ODEON_SLOT_DONE] == 1.0 && slots[ODEON_SLOT_STOP] == 1.0);
}

static void test_reach_stops_without_a_cut(void **state)
{
    (void)state;
    static const struct {
        double h, reach, stop;
    } cases[] = {
        {0.5, 1.25, 1.0},    {0.5, 1.5, 1.0},    {0.5, 1.75, 0.0},
        {-0.25, 0.875, 1.0}, {-0.25, 0.75, 1.0}, {-0.25, 0.5, 0.0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        odeon_control control = torchdiffeq_control();
        double slots[ODEON_SLOTS];
        arrange(slots, &control, 1.0, cases[i].h, 0.03125);
        slots[ODEON_SLOT_END] = copysign(HUGE_VAL, cases[i].h);
        slots[ODEON_SLOT_REACH] = cases[i].reach;
        odeon_kit_step_control(&control, slots);
        assert_true(slots[ODEON_SLOT_STOP] == cases[i].stop);
        assert_true(slots[ODEON_SLOT_T] == 1.0 + cases[i].h && slots[ODEON_SLOT_DONE] == 0.0);
        assert_near(slots[ODEON_SLOT_H], 1.8 * cases[i].h);
    }
}

static void test_rejected_step_beyond_reach_goes_on(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS];
    arrange(slots, &control, 1.0, 0.5, 32.0);
    slots[ODEON_SLOT_REACH] = 1.0;
    odeon_kit_step_control(&control, slots);
    assert_true(slots[ODEON_SLOT_STOP] == 0.0);
}

static void test_underflow_and_infinite_step_stop(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS];
    control.h_min = 0.4;
    arrange(slots, &control, 1.0, 0.4, 32.0);
    odeon_kit_step_control(&control, slots);
    assert_true(slots[ODEON_SLOT_STOP] == 1.0);
    control.h_min = 0.0;
    arrange(slots, &control, 1.0, 0.5 * DBL_MAX, 0.0);
    odeon_kit_step_control(&control, slots);
    assert_true(isinf(slots[ODEON_SLOT_H]) && slots[ODEON_SLOT_STOP] == 1.0);
}

static void test_counts_stop_at_their_limits(void **state)
{
    (void)state;
    double log[3 * ODEON_LOG_COLUMNS];
    for (int which = 0; which < 3; which++) {
        odeon_control control = torchdiffeq_control();
        double slots[ODEON_SLOTS];
        arrange(slots, &control, 1.0, 0.5, 0.5);
        slots[ODEON_SLOT_STEPS] = 0.0;
        if (which == 0) {
            slots[ODEON_SLOT_LIMIT] = 3.0;
        } else if (which == 1) {
            control.rows = 3;
        } else {
            control.log = log;
            control.log_rows = 3;
        }
        for (int step = 1; step <= 3; step++) {
            odeon_kit_step_control(&control, slots);
            assert_true(slots[ODEON_SLOT_STOP] == (step == 3 ? 1.0 : 0.0));
            assert_true(slots[ODEON_SLOT_TRIALS] == step);
        }
    }
}

static void test_rejected_steps_fill_no_rows(void **state)
{
    (void)state;
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS];
    control.rows = 2;
    arrange(slots, &control, 1.0, 0.5, 32.0);
    for (int i = 0; i < 4; i++) {
        odeon_kit_step_control(&control, slots);
        assert_true(slots[ODEON_SLOT_STOP] == 0.0);
    }
    assert_true(slots[ODEON_SLOT_TRIALS] == 4.0 && slots[ODEON_SLOT_STEPS] == 1.0);
}

static void test_log_holds_every_trial(void **state)
{
    (void)state;
    static const double errors[] = {0.03125, 32.0, (double)NAN};
    odeon_control control = torchdiffeq_control();
    double slots[ODEON_SLOTS], log[4][ODEON_LOG_COLUMNS];
    memset(log, 0xff, sizeof log);
    control.log = log[0];
    control.log_rows = 4;
    arrange(slots, &control, 1.0, 0.5, 0.0);
    for (int i = 0; i < 3; i++) {
        double t = slots[ODEON_SLOT_T], h = slots[ODEON_SLOT_H];
        slots[ODEON_SLOT_ERROR_SUM] = errors[i] * errors[i];
        odeon_kit_step_control(&control, slots);
        assert_true(log[i][ODEON_LOG_T] == t && log[i][ODEON_LOG_H] == h);
        assert_true(i == 2 ? isnan(log[i][ODEON_LOG_ERROR]) : log[i][ODEON_LOG_ERROR] == errors[i]);
        assert_true(log[i][ODEON_LOG_ACCEPT] == (i == 0 ? 1.0 : 0.0));
        assert_true(slots[ODEON_SLOT_TRIED] == t && slots[ODEON_SLOT_TRIED + 1] == h);
    }
    assert_true(isnan(log[3][0])); /* one row a trial */
}

static void test_step_behind_the_stop_changes_acceptance_alone(void **state)
{
    (void)state;
    static const double stops[] = {1.0, (double)NAN};
    for (size_t i = 0; i < 2; i++) {
        odeon_control control = torchdiffeq_control();
        double slots[ODEON_SLOTS], before[ODEON_SLOTS], log[4] = {1.0, 2.0, 3.0, 4.0};
        control.log = log;
        control.log_rows = 1;
        arrange(slots, &control, 1.0, 0.5, 0.03125);
        slots[ODEON_SLOT_STOP] = stops[i];
        slots[ODEON_SLOT_ACCEPT] = 1.0;
        memcpy(before, slots, sizeof before);
        before[ODEON_SLOT_ACCEPT] = 0.0;
        odeon_kit_step_control(&control, slots);
        assert_memory_equal(slots, before, sizeof slots);
        assert_true(log[0] == 1.0 && log[3] == 4.0);
    }
}

static void test_step_back_stops_below_row_zero(void **state)
{
    (void)state;
    double slots[ODEON_SLOTS] = {[ODEON_SLOT_ROW] = 2.0, [ODEON_SLOT_STOP] = 1.0};
    odeon_kit_step_back(slots);
    assert_true(slots[ODEON_SLOT_ROW] == 1.0 && slots[ODEON_SLOT_STOP] == 0.0);
    odeon_kit_step_back(slots);
    assert_true(slots[ODEON_SLOT_ROW] == 0.0 && slots[ODEON_SLOT_STOP] == 0.0);
    odeon_kit_step_back(slots);
    assert_true(slots[ODEON_SLOT_ROW] == -1.0 && slots[ODEON_SLOT_STOP] == 1.0);
    slots[ODEON_SLOT_ROW] = (double)NAN;
    slots[ODEON_SLOT_STOP] = 0.0;
    odeon_kit_step_back(slots);
    assert_true(slots[ODEON_SLOT_STOP] == 1.0);
}

static void test_row_of_a_slot_is_whole_and_within(void **state)
{
    (void)state;
    static const struct {
        double value;
        int64_t row;
    } cases[] = {{0.0, 0},  {-0.0, 0},   {2.0, 2},       {3.0, -1},       {-1.0, -1},
                 {1.5, -1}, {1e300, -1}, {HUGE_VAL, -1}, {-HUGE_VAL, -1}, {(double)NAN, -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double slots[ODEON_SLOTS] = {[ODEON_SLOT_ROW] = cases[i].value};
        assert_int_equal(odeon_kit_row(slots, ODEON_SLOT_ROW, 3), cases[i].row);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_estimates_are_joined_by_their_rule),
        cmocka_unit_test(test_the_step_before_predicts),
        cmocka_unit_test(test_scalar_adds_its_slot),
        cmocka_unit_test(test_stage_times_are_t_plus_c_h),
        cmocka_unit_test(test_error_norm_joins_parts_or_takes_the_worst),
        cmocka_unit_test(test_error_norm_of_nothing_is_zero),
        cmocka_unit_test(test_error_norm_keeps_a_nan_of_any_part),
        cmocka_unit_test(test_torchdiffeq_factor_follows_its_rule),
        cmocka_unit_test(test_sciml_factor_uses_the_error_before),
        cmocka_unit_test(test_sciml_rejection_leaves_the_history),
        cmocka_unit_test(test_sciml_history_has_a_floor),
        cmocka_unit_test(test_sciml_first_accepted_step_may_grow_further),
        cmocka_unit_test(test_third_coefficient_weighs_the_error_before_last),
        cmocka_unit_test(test_steady_band_keeps_the_step),
        cmocka_unit_test(test_strict_rule_rejects_error_one),
        cmocka_unit_test(test_accepted_step_moves_on),
        cmocka_unit_test(test_nonfinite_error_rejects),
        cmocka_unit_test(test_solve_ends_at_t1_exactly),
        cmocka_unit_test(test_step_that_reaches_t1_is_cut_and_marked),
        cmocka_unit_test(test_rejected_last_step_is_last_no_more),
        cmocka_unit_test(test_sliver_before_t1_is_taken_along),
        cmocka_unit_test(test_rejected_step_may_be_filtered_too),
        cmocka_unit_test(test_second_try_of_a_last_step_may_be_half_of_what_is_left),
        cmocka_unit_test(test_fast_power_is_the_published_one),
        cmocka_unit_test(test_start_within_the_solve_probes_no_farther),
        cmocka_unit_test(test_probe_without_a_value_comes_nearer),
        cmocka_unit_test(test_step_is_limited_to_h_max),
        cmocka_unit_test(test_step_that_ends_within_rounding_is_the_last),
        cmocka_unit_test(test_step_below_h_min_is_underflow),
        cmocka_unit_test(test_step_of_h_min_is_tried),
        cmocka_unit_test(test_step_below_least_is_underflow),
        cmocka_unit_test(test_step_lost_in_t_is_underflow),
        cmocka_unit_test(test_last_step_may_be_shorter_than_h_min),
        cmocka_unit_test(test_first_step_follows_hairer),
        cmocka_unit_test(test_first_probe_points_to_the_end),
        cmocka_unit_test(test_start_sets_counters_and_history),
        cmocka_unit_test(test_first_step_is_cut_at_the_end),
        cmocka_unit_test(test_nonfinite_start_says_so),
        cmocka_unit_test(test_empty_span_is_done_at_once),
        cmocka_unit_test(test_underflow_of_the_first_step_stops),
        cmocka_unit_test(test_done_stops),
        cmocka_unit_test(test_reach_stops_without_a_cut),
        cmocka_unit_test(test_rejected_step_beyond_reach_goes_on),
        cmocka_unit_test(test_underflow_and_infinite_step_stop),
        cmocka_unit_test(test_counts_stop_at_their_limits),
        cmocka_unit_test(test_rejected_steps_fill_no_rows),
        cmocka_unit_test(test_log_holds_every_trial),
        cmocka_unit_test(test_step_behind_the_stop_changes_acceptance_alone),
        cmocka_unit_test(test_step_back_stops_below_row_zero),
        cmocka_unit_test(test_row_of_a_slot_is_whole_and_within),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
