#include <math.h>

#include "device_cases.h"
#include "odeon/device_solver.h"

/* Step control and the first step over many settings and states. Slots are float64 on every device,
 * and the arithmetic is the same in each. */

/* A setting drawn from what presets use: I, PI and PID filters, both norms, parts and rules. */
static odeon_control draw_control(case_run *run, int32_t i)
{
    odeon_control control = {.struct_size = sizeof control,
                             .accept_rule = i % 2,
                             .norm = i / 2 % 2,
                             .parts_rule = i / 4 % 2,
                             .n_parts = 1 + i % ODEON_MAX_PARTS,
                             .count = {10, 0, 3, 1},
                             .safety = 0.9,
                             .factor_min = 0.2,
                             .factor_max = 10.0,
                             .factor_max_first = i % 3 == 0 ? 10000.0 : 10.0,
                             .factor_min_accept = i % 3 == 1 ? 1.0 : 0.2,
                             .beta = {0.2, 0.0, 0.0},
                             .beta_reject = 0.2,
                             .history_start = 1e-4,
                             .history_floor = 1e-4,
                             .steady_low = 1.0,
                             .steady_high = i % 7 == 0 ? 1.2 : 1.0,
                             .h_min = i % 11 == 0 ? 0.05 : 0.0,
                             .h_max = i % 13 == 0 ? 0.3 : HUGE_VAL,
                             .start_exponent = 0.2,
                             .rows = i % 4 == 3 ? 1 + i % 3 : 0,
                             .start_rule = i / 3 % 2,
                             .power_rule = i % 5 == 4,
                             .reject_rule = i / 5 % 2,
                             .last_rule = i / 7 % 2,
                             .factor_max_reject = i % 2 == 0 ? 0.9 : 10.0};
    if (i % 3 != 0) {
        control.beta[1] = 0.1 * case_number(run);
        control.beta[2] = 0.1 * case_number(run);
    }
    control.alpha = i % 8 == 1 ? 1.0 : i % 8 == 6 ? 0.5 : 0.0;
    control.n_estimates = i % 10 == 3 && control.n_parts <= ODEON_MAX_PARTS / 2 ? 2 : i % 2;
    control.estimate_rule = i / 10 % 3;
    return control;
}

/* Sums of errors from far below 1 to far above, and now and then one that is special. */
static double draw_sum(case_run *run, int32_t i)
{
    const double specials[] = {0.0, 1.0, (double)NAN, HUGE_VAL};
    return i % 9 < 4 ? specials[i % 9] : exp(8.0 * case_number(run));
}

/* Where the solve of a setting ends; the first are walks back. */
static void draw_end(case_run *run, int32_t i, double *values)
{
    double end = i % 5 == 0 ? -2.0 : i % 5 == 1 ? HUGE_VAL : 2.0;
    values[ODEON_SLOT_END] = end;
    values[ODEON_SLOT_REACH] = copysign(0.3 + 0.3 * case_number(run), end);
    values[ODEON_SLOT_LEAST] = i % 17 == 0 ? 0.05 : 0.0;
    values[ODEON_SLOT_LIMIT] = i % 10 == 9 ? 2.0 : 0.0;
}

enum { LOG_ROWS = 3 };

static void run_step_control(case_run *run)
{
    for (int32_t i = 0; i < 240; i++) {
        double values[ODEON_SLOTS] = {0};
        case_variant(run, "setting %d", (int)i);
        case_expect_nonfinite(run);
        odeon_control control = draw_control(run, i);
        odeon_tensor log = case_random_as(run, ODEON_DTYPE_F64, shape2(LOG_ROWS, 4));
        draw_end(run, i, values);
        values[ODEON_SLOT_T] = case_number(run);
        values[ODEON_SLOT_H] = copysign(0.5 + 0.4 * case_number(run), values[ODEON_SLOT_END]);
        values[ODEON_SLOT_STOP] = i % 12 == 7 ? 1.0 : 0.0;
        values[ODEON_SLOT_ACCEPT] = 1.0;
        values[ODEON_SLOT_TRIALS] = (double)(i % 5);
        values[ODEON_SLOT_STEPS] = (double)(i % 3);
        values[ODEON_SLOT_REJECTS] = (double)(i % 4);
        values[ODEON_SLOT_HISTORY] = exp(4.0 * case_number(run) - 4.0);
        values[ODEON_SLOT_HISTORY + 1] = exp(4.0 * case_number(run) - 4.0);
        values[ODEON_SLOT_H_BEFORE] = i % 3 == 0 ? 0.0 : 0.1 * (double)(i % 7);
        values[ODEON_SLOT_LAST] = i % 6 == 0 ? 1.0 : 0.0;
        for (int32_t p = 0; p < ODEON_MAX_PARTS; p++) {
            values[ODEON_SLOT_ERROR_SUM + p] = draw_sum(run, i / 3 + p);
        }
        control.log = i % 2 == 0 ? odeon_write(&log) : NULL;
        control.log_rows = LOG_ROWS;
        double *slots = case_slots(run, values);
        case_do(run, solver, step_control, .control = &control, .slots = slots);
        case_keep_slots(run, "slots", slots, ODEON_SLOT_T, ODEON_SLOT_TRIED + 2);
        case_keep_slots(run, "step before", slots, ODEON_SLOT_H_BEFORE, 1);
        case_keep_each(run, "log", &log.view);
    }
}

static void run_step_start(case_run *run)
{
    for (int32_t i = 0; i < 60; i++) {
        double values[ODEON_SLOTS] = {0};
        case_variant(run, "setting %d", (int)i);
        case_expect_nonfinite(run);
        odeon_control control = draw_control(run, i);
        draw_end(run, i, values);
        values[ODEON_SLOT_T] = case_number(run);
        values[ODEON_SLOT_H] = 0.7;
        values[ODEON_SLOT_STOP] = values[ODEON_SLOT_TRIALS] = 5.0;
        values[ODEON_SLOT_STEPS] = values[ODEON_SLOT_DONE] = values[ODEON_SLOT_STATUS] = 5.0;
        double *slots = case_slots(run, values);
        static const int32_t all[] = {0, 1, 2, 4, 2};
        for (int32_t k = 0; k < (i % 4 == 3 ? 1 : 5); k++) {
            int32_t phase = i % 4 == 3 ? 3 : all[k];
            double sums[ODEON_MAX_PARTS];
            for (int32_t p = 0; p < ODEON_MAX_PARTS; p++) {
                sums[p] = draw_sum(run, i + phase * phase + p);
            }
            case_do(run, solver, slots_write, .slots = slots, .first = ODEON_SLOT_ERROR_SUM,
                    .n = ODEON_MAX_PARTS, .values = sums);
            case_do(run, solver, step_start, .control = &control, .phase = phase, .slots = slots);
        }
        case_keep_slots(run, "slots", slots, 0, ODEON_SLOT_ERROR_SUM + ODEON_MAX_PARTS);
    }
}

static void run_step_back(case_run *run)
{
    static const double rows[] = {3.0, 1.0, 0.0, -4.0, (double)NAN};
    for (int32_t i = 0; i < 5; i++) {
        double values[ODEON_SLOTS] = {[ODEON_SLOT_ROW] = rows[i], [ODEON_SLOT_STOP] = i % 2};
        case_variant(run, "from row %g", rows[i]);
        case_expect_nonfinite(run);
        double *slots = case_slots(run, values);
        case_do(run, solver, step_back, .slots = slots);
        case_keep_slots(run, "row", slots, ODEON_SLOT_ROW, 1);
        case_keep_slots(run, "stop", slots, ODEON_SLOT_STOP, 1);
    }
}

const device_case control_cases[] = {
    {"step_control", run_step_control},
    {"step_start", run_step_start},
    {"step_back", run_step_back},
    {NULL, NULL},
};
