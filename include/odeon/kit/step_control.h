/* step_control.h: what step_control, step_start, step_back, stage_times and row_store of
 * device_solver.h do with a block of slots, for devices to call from these operators: one source
 * for all gives equal steps on all of them, to the bit. Nothing here allocates or fails; only
 * math.h is needed. In the common subset of C11 and C++11.
 *
 * Functions are static inline. A device whose slots are in memory of its own may compile them as
 * code of its own: it defines ODEON_KIT before the include, in CUDA as static __device__.
 *
 * Example, an operator of a device whose slots are in host memory:
 *   odeon_kit_step_control(call->control, call->slots);
 * [any; step] throughout.
 *
 * Draft. To be frozen with device_solver.h. */
#ifndef ODEON_KIT_STEP_CONTROL_H
#define ODEON_KIT_STEP_CONTROL_H
#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "odeon/device_solver.h"

#ifndef ODEON_KIT
#define ODEON_KIT static inline
#endif

/* imm + scale * slots[slot]; imm alone if slot is negative, where slots is not read. */
ODEON_KIT double odeon_kit_scalar(odeon_scalar scalar, const double *slots)
{
    return scalar.slot < 0 ? scalar.imm : scalar.imm + scalar.scale * slots[scalar.slot];
}

/* slots[STAGE_T + i] = T + c[i] H for i < n. */
ODEON_KIT void odeon_kit_stage_times(int32_t n, const double *c, double *slots)
{
    for (int32_t i = 0; i < n; i++) {
        slots[ODEON_SLOT_STAGE_T + i] = slots[ODEON_SLOT_T] + c[i] * slots[ODEON_SLOT_H];
    }
}

/* Not fmax, which would drop a NaN: a NaN error has to reject the step. */
ODEON_KIT double odeon_kit_larger(double a, double b)
{
    return isnan(a) || a > b ? a : b;
}

/* The scaled norm of one estimate: its sums of all parts, combined by control's norm and
 * parts_rule. NaN if a part with elements is NaN; 0 if none has elements. */
ODEON_KIT double odeon_kit_estimate_norm_(const odeon_control *control, const double *sums)
{
    double worst = 0.0, total = 0.0, elements = 0.0;
    for (int32_t p = 0; p < control->n_parts; p++) {
        if (control->count[p] == 0) {
            continue;
        }
        double sum = sums[p];
        double count = (double)control->count[p];
        worst = odeon_kit_larger(worst, control->norm == ODEON_NORM_MAX ? sum : sqrt(sum / count));
        total += sum;
        elements += count;
    }
    if (control->norm == ODEON_NORM_MAX || control->parts_rule == ODEON_PARTS_MAX ||
        elements == 0.0) {
        return worst;
    }
    return sqrt(total / elements);
}

/* a^2 / sqrt(a^2 + 0.01 b^2), without squares that could overflow. */
ODEON_KIT double odeon_kit_dop853_(double a, double b)
{
    if (!isfinite(a) || !isfinite(b)) {
        return odeon_kit_larger(a, b);
    }
    double ratio = a == 0.0 ? 0.0 : b / a;
    return a / sqrt(1.0 + 0.01 * ratio * ratio);
}

/* The scaled error norm: of the one estimate, or of all by estimate_rule. */
ODEON_KIT double odeon_kit_error_norm(const odeon_control *control, const double *slots)
{
    const double *sums = slots + ODEON_SLOT_ERROR_SUM;
    double error = odeon_kit_estimate_norm_(control, sums);
    for (int32_t i = 1; i < control->n_estimates; i++) {
        double other = odeon_kit_estimate_norm_(control, sums + i * control->n_parts);
        error = control->estimate_rule == ODEON_JOIN_LARGEST  ? odeon_kit_larger(error, other)
                : control->estimate_rule == ODEON_JOIN_DOP853 ? odeon_kit_dop853_(error, other)
                                                              : error;
    }
    return error;
}

ODEON_KIT double odeon_kit_clip_(double x, double low, double high)
{
    return x >= high ? high : x > low ? x : low; /* NaN gives low, the cautious side */
}

/* Goldberg's rational approximation of log2 for x > 0, within 1e-4: the one of FastPower.jl
 * (ODEON_POWER_FAST in device_solver.h). */
ODEON_KIT float odeon_kit_fast_log2_(float x)
{
    int exponent;
    float u = 2.0f * frexpf(x, &exponent);
    float k = (float)(exponent - 1);
    if (u >= 1.5f) {
        u *= 0.5f;
        k += 1.0f;
    }
    u -= 1.0f;
    return k + u * (0.338953f * u + 2.198599f) / (u + 1.523692f);
}

/* x^-y by power_rule. FAST takes the exponential in double and rounds it to float32, so that all
 * devices get the same bits. */
ODEON_KIT double odeon_kit_inverse_power_(const odeon_control *control, double x, double y)
{
    if (control->power_rule == ODEON_POWER_EXACT) {
        return pow(x, -y);
    }
    float narrow = (float)x, magnitude = (float)fabs(y);
    double power = narrow > 0.0f
                       ? (double)(float)exp2((double)(magnitude * odeon_kit_fast_log2_(narrow)))
                   : y == 0.0 ? 1.0
                              : 0.0;
    return y < 0.0 ? power : 1.0 / power;
}

/* The linear filter of the last three log errors, before limits: safety * e^-b0 * e1^-b1 * e2^-b2.
 * Source: Soderlind, ACM TOMS 29 (2003). */
ODEON_KIT double odeon_kit_filtered_(const odeon_control *control, double error,
                                     const double *history)
{
    return control->safety * odeon_kit_inverse_power_(control, error, control->beta[0]) *
           odeon_kit_inverse_power_(control, history[0], control->beta[1]) *
           odeon_kit_inverse_power_(control, history[1], control->beta[2]);
}

/* The same with the steps before: never more than the error alone allows. Source: Gustafsson, ACM
 * TOMS 20 (1994). */
ODEON_KIT double odeon_kit_predicted_(const odeon_control *control, double error,
                                      const double *slots)
{
    const double *beta = control->beta;
    double h = fabs(slots[ODEON_SLOT_H]), before = fabs(slots[ODEON_SLOT_H_BEFORE]);
    double alone =
        control->safety * odeon_kit_inverse_power_(control, error, beta[0] + beta[1] + beta[2]);
    if (before == 0.0) {
        return alone;
    }
    double predicted = odeon_kit_filtered_(control, error, slots + ODEON_SLOT_HISTORY) *
                       odeon_kit_inverse_power_(control, before / h, control->alpha);
    return predicted < alone ? predicted : alone;
}

/* Step-size factor after an accepted step, limited as device_solver.h says. Within the steady band
 * the size is kept. */
ODEON_KIT double odeon_kit_factor_accepted_(const odeon_control *control, double error,
                                            const double *slots)
{
    double low = error < 1.0 ? control->factor_min_accept : control->factor_min;
    double high = slots[ODEON_SLOT_STEPS] == 0.0 ? control->factor_max_first : control->factor_max;
    if (error == 0.0) {
        return high; /* regardless of the history */
    }
    double wanted = control->alpha == 0.0
                        ? odeon_kit_filtered_(control, error, slots + ODEON_SLOT_HISTORY)
                        : odeon_kit_predicted_(control, error, slots);
    double factor = odeon_kit_clip_(wanted, low, high);
    bool steady = control->steady_low <= 1.0 / factor && 1.0 / factor <= control->steady_high;
    return steady ? 1.0 : factor;
}

/* Step-size factor after a rejection. A non-finite error says nothing about the size, so shrink as
 * far as allowed. */
ODEON_KIT double odeon_kit_factor_rejected_(const odeon_control *control, double error,
                                            const double *slots)
{
    if (!isfinite(error)) {
        return control->factor_min;
    }
    if (control->reject_rule == ODEON_REJECT_FILTER) {
        return odeon_kit_clip_(odeon_kit_filtered_(control, error, slots + ODEON_SLOT_HISTORY),
                               control->factor_min, control->factor_max_reject);
    }
    return odeon_kit_clip_(control->safety *
                               odeon_kit_inverse_power_(control, error, control->beta_reject),
                           control->factor_min, 1.0);
}

/* Sets the next step from T to size (a magnitude): limited to h_max, cut at END, checked for
 * underflow. retry: the previous step was rejected. slack keeps rounding from leaving a last step
 * of a few ulp. */
ODEON_KIT void odeon_kit_propose_(const odeon_control *control, double size, bool retry,
                                  double *slots)
{
    double t = slots[ODEON_SLOT_T], end = slots[ODEON_SLOT_END];
    double remaining = end - t;
    double slack = 100.0 * DBL_EPSILON * fmax(fabs(t), fabs(end));
    if (size > control->h_max) {
        size = control->h_max;
    }
    /* with END infinite the right side is NaN, so no step is the last */
    bool last = size >= fabs(remaining) - slack;
    double h = last ? remaining : copysign(size, remaining);
    if (last && retry && control->last_rule == ODEON_LAST_HALVE) {
        last = false;
        h = 0.5 * remaining;
    }
    slots[ODEON_SLOT_H] = h;
    slots[ODEON_SLOT_LAST] = last ? 1.0 : 0.0;
    bool large = size >= control->h_min && size >= slots[ODEON_SLOT_LEAST];
    if (!last && (!large || t + h == t)) {
        slots[ODEON_SLOT_STATUS] = ODEON_STEP_UNDERFLOW;
    }
}

/* Moves T past an accepted step. A last step sets T to END exactly rather than to T + H, which may
 * differ by rounding. */
ODEON_KIT void odeon_kit_advance_(const odeon_control *control, double error, double *slots)
{
    double *history = slots + ODEON_SLOT_HISTORY;
    bool last = slots[ODEON_SLOT_LAST] != 0.0;
    history[1] = history[0];
    history[0] = error > control->history_floor ? error : control->history_floor;
    slots[ODEON_SLOT_H_BEFORE] = slots[ODEON_SLOT_H];
    slots[ODEON_SLOT_T] = last ? slots[ODEON_SLOT_END] : slots[ODEON_SLOT_T] + slots[ODEON_SLOT_H];
    slots[ODEON_SLOT_DONE] = last ? 1.0 : 0.0;
    slots[ODEON_SLOT_STEPS] += 1.0;
}

/* One decision of the controller: error norm, accept or reject, next size. */
ODEON_KIT void odeon_kit_judge_(const odeon_control *control, double *slots)
{
    double error = odeon_kit_error_norm(control, slots);
    bool accepted = control->accept_rule == ODEON_ACCEPT_LT ? error < 1.0 : error <= 1.0;
    double factor = accepted ? odeon_kit_factor_accepted_(control, error, slots)
                             : odeon_kit_factor_rejected_(control, error, slots);
    double h = factor * slots[ODEON_SLOT_H];

    slots[ODEON_SLOT_ERROR] = error;
    slots[ODEON_SLOT_ACCEPT] = accepted ? 1.0 : 0.0;
    slots[ODEON_SLOT_STATUS] = isfinite(error) ? ODEON_STEP_OK : ODEON_STEP_NONFINITE;
    if (accepted) {
        odeon_kit_advance_(control, error, slots);
    } else {
        slots[ODEON_SLOT_REJECTS] += 1.0;
    }
    if (accepted && slots[ODEON_SLOT_DONE] != 0.0) {
        /* proposed without an end to cut at */
        slots[ODEON_SLOT_H] = odeon_kit_clip_(h, -control->h_max, control->h_max);
        slots[ODEON_SLOT_LAST] = 0.0;
        return;
    }
    double size = fabs(h);
    if (size < control->h_min && (accepted || fabs(slots[ODEON_SLOT_H]) > control->h_min)) {
        size = control->h_min; /* h_min has not been tried from this T */
    }
    odeon_kit_propose_(control, size, !accepted, slots);
}

/* Did the accepted step end at REACH or beyond, in its direction? */
ODEON_KIT bool odeon_kit_reaches_(const double *slots)
{
    double t = slots[ODEON_SLOT_T], reach = slots[ODEON_SLOT_REACH];
    return slots[ODEON_SLOT_ACCEPT] != 0.0 &&
           (slots[ODEON_SLOT_TRIED + 1] < 0.0 ? t <= reach : t >= reach);
}

/* Is the solve finished or failed, so that no further step is possible? */
ODEON_KIT bool odeon_kit_is_over_(const double *slots)
{
    return slots[ODEON_SLOT_DONE] != 0.0 || slots[ODEON_SLOT_STATUS] == ODEON_STEP_UNDERFLOW ||
           !isfinite(slots[ODEON_SLOT_H]);
}

/* Has a counter reached its limit (trials, log rows, stored rows)? */
ODEON_KIT bool odeon_kit_is_full_(const odeon_control *control, const double *slots)
{
    double limit = slots[ODEON_SLOT_LIMIT], trials = slots[ODEON_SLOT_TRIALS];
    return (limit > 0.0 && trials >= limit) ||
           (control->log != NULL && trials >= (double)control->log_rows) ||
           (control->rows > 0 && slots[ODEON_SLOT_STEPS] >= (double)control->rows);
}

/* Counts the trial and writes its row of the log. */
ODEON_KIT void odeon_kit_count_(const odeon_control *control, double *slots)
{
    double trials = slots[ODEON_SLOT_TRIALS];
    if (control->log != NULL && trials >= 0.0 && trials < (double)control->log_rows) {
        double *row = control->log + ODEON_LOG_COLUMNS * (int64_t)trials;
        row[ODEON_LOG_T] = slots[ODEON_SLOT_TRIED];
        row[ODEON_LOG_H] = slots[ODEON_SLOT_TRIED + 1];
        row[ODEON_LOG_ERROR] = slots[ODEON_SLOT_ERROR];
        row[ODEON_LOG_ACCEPT] = slots[ODEON_SLOT_ACCEPT];
    }
    slots[ODEON_SLOT_TRIALS] = trials + 1.0;
}

/* Does nothing once STOP is set, so a captured loop may run idle passes beyond its end. */
ODEON_KIT void odeon_kit_step_control(const odeon_control *control, double *slots)
{
    if (slots[ODEON_SLOT_STOP] != 0.0) {
        slots[ODEON_SLOT_ACCEPT] = 0.0;
        return;
    }
    slots[ODEON_SLOT_TRIED] = slots[ODEON_SLOT_T];
    slots[ODEON_SLOT_TRIED + 1] = slots[ODEON_SLOT_H];
    odeon_kit_judge_(control, slots);
    odeon_kit_count_(control, slots);
    bool stop = odeon_kit_is_over_(slots) || odeon_kit_reaches_(slots) ||
                odeon_kit_is_full_(control, slots);
    slots[ODEON_SLOT_STOP] = stop ? 1.0 : 0.0;
}

/* The first probe h0 from the norms of y0 and f0. Source: Hairer, Norsett, Wanner, Solving ODEs I,
 * 2nd ed., II.4, starting step size, step b. */
ODEON_KIT double odeon_kit_probe_size_(double d0, double d1)
{
    return d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1;
}

/* The largest probe under ODEON_START_WITHIN: the field need not exist beyond the end. */
ODEON_KIT double odeon_kit_farthest_(const odeon_control *control, const double *slots)
{
    double span = fabs(slots[ODEON_SLOT_REACH] - slots[ODEON_SLOT_T]);
    return control->h_max < span ? control->h_max : span;
}

/* Limits size to farthest, if the rule says so. */
ODEON_KIT double odeon_kit_within_(const odeon_control *control, double size, const double *slots)
{
    double limit = odeon_kit_farthest_(control, slots);
    return control->start_rule == ODEON_START_WITHIN && size > limit ? limit : size;
}

ODEON_KIT void odeon_kit_set_probe_(double size, double *slots)
{
    slots[ODEON_SLOT_PROBE] = size;
    slots[ODEON_SLOT_H] = copysign(size, slots[ODEON_SLOT_END] - slots[ODEON_SLOT_T]);
}

/* Replaces a probe at which the field was not finite by a nearer one. */
ODEON_KIT void odeon_kit_shrink_probe_(const odeon_control *control, double *slots)
{
    double probe = slots[ODEON_SLOT_PROBE], limit = odeon_kit_farthest_(control, slots);
    odeon_kit_set_probe_(limit < probe ? limit : 0.1 * probe, slots);
}

/* The first step from the probe h0 and the norm d2 of the second derivative. Source: the same,
 * steps d to f, with the exponent that control gives. */
ODEON_KIT double odeon_kit_first_size_(const odeon_control *control, double h0, double d1,
                                       double d2)
{
    double h1 = d1 <= 1e-15 && d2 <= 1e-15
                    ? fmax(1e-6, 1e-3 * h0)
                    : pow(0.01 / odeon_kit_larger(d1, d2), control->start_exponent);
    return 100.0 * h0 < h1 ? 100.0 * h0 : h1; /* NaN if h1 is, which the caller reports */
}

/* Resets the counters and the controller's history for a new solve. */
ODEON_KIT void odeon_kit_start_counting_(const odeon_control *control, double *slots)
{
    slots[ODEON_SLOT_HISTORY] = control->history_start;
    slots[ODEON_SLOT_HISTORY + 1] = control->history_start;
    slots[ODEON_SLOT_H_BEFORE] = 0.0;
    slots[ODEON_SLOT_STEPS] = 0.0;
    slots[ODEON_SLOT_REJECTS] = 0.0;
    slots[ODEON_SLOT_TRIALS] = 0.0;
    slots[ODEON_SLOT_ACCEPT] = 0.0;
    slots[ODEON_SLOT_DONE] = slots[ODEON_SLOT_T] == slots[ODEON_SLOT_END] ? 1.0 : 0.0;
    slots[ODEON_SLOT_STATUS] = ODEON_STEP_OK;
}

/* Phases 0 to 4 as device_solver.h numbers them; 2 and 3 end the start and reset the counters. */
ODEON_KIT void odeon_kit_step_start(const odeon_control *control, int32_t phase, double *slots)
{
    double *start = slots + ODEON_SLOT_START;
    double size = fabs(slots[ODEON_SLOT_H]),
           norm = phase < 3 ? odeon_kit_estimate_norm_(control, slots + ODEON_SLOT_ERROR_SUM) : 0.0;
    if (phase == 0) {
        start[0] = norm;
        return;
    }
    if (phase == 1) {
        start[1] = norm;
        odeon_kit_set_probe_(
            odeon_kit_within_(control, odeon_kit_probe_size_(start[0], start[1]), slots), slots);
        return;
    }
    if (phase == 4) {
        odeon_kit_shrink_probe_(control, slots);
        return;
    }
    if (phase == 2) {
        size = isfinite(norm) ? odeon_kit_first_size_(control, size, start[1], norm / size)
                              : (double)NAN;
        size = odeon_kit_within_(control, size, slots);
        size = size < control->h_min ? control->h_min : size;
    }
    odeon_kit_start_counting_(control, slots);
    odeon_kit_propose_(control, size, false, slots);
    if (isnan(size)) {
        slots[ODEON_SLOT_STATUS] = ODEON_STEP_NONFINITE;
    }
    slots[ODEON_SLOT_STOP] = odeon_kit_is_over_(slots) ? 1.0 : 0.0;
}

/* Moves the reverse pass back by one row (step_back). */
ODEON_KIT void odeon_kit_step_back(double *slots)
{
    slots[ODEON_SLOT_ROW] -= 1.0;
    slots[ODEON_SLOT_STOP] = slots[ODEON_SLOT_ROW] >= 0.0 ? 0.0 : 1.0; /* also stops for NaN */
}

/* The row number in slots[slot], or -1 if that is no whole number from 0 to rows - 1
 * (row_store). */
ODEON_KIT int64_t odeon_kit_row(const double *slots, int32_t slot, int64_t rows)
{
    double row = slots[slot];
    bool within = row >= 0.0 && row < (double)rows && floor(row) == row;
    return within ? (int64_t)row : -1;
}

#endif
