/* step_control_body.h: the functions of step_control.h in the common subset of C11 and C++17, so
 * that a device whose slots are in its own memory can compile them as kernels. One source for all
 * devices gives equal steps on all of them. */
#include "step_control.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

STEP_FN double scalar_value(odeon_scalar scalar, const double *slots)
{
    return scalar.slot < 0 ? scalar.imm : scalar.imm + scalar.scale * slots[scalar.slot];
}

STEP_FN void stage_times(int32_t n, const double *c, double *slots)
{
    for (int32_t i = 0; i < n; i++) {
        slots[ODEON_SLOT_STAGE_T + i] = slots[ODEON_SLOT_T] + c[i] * slots[ODEON_SLOT_H];
    }
}

/* Not fmax, which would drop a NaN: a NaN error has to reject the step. */
STEP_FN double larger(double a, double b)
{
    return isnan(a) || a > b ? a : b;
}

/* JOINT treats all parts as one vector; MAX takes the worst part's norm, as torchdiffeq does for a
 * tuple state. */
STEP_FN double error_norm(const odeon_control *control, const double *slots)
{
    double worst = 0.0, total = 0.0, elements = 0.0;
    for (int32_t p = 0; p < control->n_parts; p++) {
        if (control->count[p] == 0) {
            continue;
        }
        double sum = slots[ODEON_SLOT_ERROR_SUM + p];
        double count = (double)control->count[p];
        worst = larger(worst, control->norm == ODEON_NORM_MAX ? sum : sqrt(sum / count));
        total += sum;
        elements += count;
    }
    if (control->norm == ODEON_NORM_MAX || control->parts_rule == ODEON_PARTS_MAX ||
        elements == 0.0) {
        return worst;
    }
    return sqrt(total / elements);
}

STEP_LOCAL double clip(double x, double low, double high)
{
    return x >= high ? high : x > low ? x : low; /* NaN gives low, the cautious side */
}

/* Goldberg's rational approximation of log2 for x > 0, within 1e-4: the one of FastPower.jl
 * (ODEON_POWER_FAST in device.h). */
STEP_LOCAL float fast_log2(float x)
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
STEP_LOCAL double inverse_power(const odeon_control *control, double x, double y)
{
    if (control->power_rule == ODEON_POWER_EXACT) {
        return pow(x, -y);
    }
    float narrow = (float)x, magnitude = (float)fabs(y);
    double power = narrow > 0.0f ? (double)(float)exp2((double)(magnitude * fast_log2(narrow)))
                   : y == 0.0    ? 1.0
                                 : 0.0;
    return y < 0.0 ? power : 1.0 / power;
}

/* The linear filter of the last three log errors, before limits: safety * e^-b0 * e1^-b1 * e2^-b2.
 * Source: Soderlind, ACM TOMS 29 (2003). */
STEP_LOCAL double filtered(const odeon_control *control, double error, const double *history)
{
    return control->safety * inverse_power(control, error, control->beta[0]) *
           inverse_power(control, history[0], control->beta[1]) *
           inverse_power(control, history[1], control->beta[2]);
}

/* Step-size factor after an accepted step, limited as device.h says. Within the steady band the
 * size is kept. */
STEP_LOCAL double factor_accepted(const odeon_control *control, double error, const double *slots)
{
    double low = error < 1.0 ? control->factor_min_accept : control->factor_min;
    double high = slots[ODEON_SLOT_STEPS] == 0.0 ? control->factor_max_first : control->factor_max;
    if (error == 0.0) {
        return high; /* regardless of the history */
    }
    double factor = clip(filtered(control, error, slots + ODEON_SLOT_HISTORY), low, high);
    bool steady = control->steady_low <= 1.0 / factor && 1.0 / factor <= control->steady_high;
    return steady ? 1.0 : factor;
}

/* Step-size factor after a rejection. A non-finite error says nothing about the size, so shrink as
 * far as allowed. */
STEP_LOCAL double factor_rejected(const odeon_control *control, double error, const double *slots)
{
    if (!isfinite(error)) {
        return control->factor_min;
    }
    if (control->reject_rule == ODEON_REJECT_FILTER) {
        return clip(filtered(control, error, slots + ODEON_SLOT_HISTORY), control->factor_min,
                    control->factor_max_reject);
    }
    return clip(control->safety * inverse_power(control, error, control->beta_reject),
                control->factor_min, 1.0);
}

/* Sets the next step from T to size (a magnitude): limited to h_max, cut at END, checked for
 * underflow. retry: the previous step was rejected. slack keeps rounding from leaving a last step
 * of a few ulp. */
STEP_LOCAL void propose(const odeon_control *control, double size, bool retry, double *slots)
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
STEP_LOCAL void advance(const odeon_control *control, double error, double *slots)
{
    double *history = slots + ODEON_SLOT_HISTORY;
    bool last = slots[ODEON_SLOT_LAST] != 0.0;
    history[1] = history[0];
    history[0] = error > control->history_floor ? error : control->history_floor;
    slots[ODEON_SLOT_T] = last ? slots[ODEON_SLOT_END] : slots[ODEON_SLOT_T] + slots[ODEON_SLOT_H];
    slots[ODEON_SLOT_DONE] = last ? 1.0 : 0.0;
    slots[ODEON_SLOT_STEPS] += 1.0;
}

/* One decision of the controller: error norm, accept or reject, next size. */
STEP_LOCAL void judge(const odeon_control *control, double *slots)
{
    double error = error_norm(control, slots);
    bool accepted = control->accept_rule == ODEON_ACCEPT_LT ? error < 1.0 : error <= 1.0;
    double factor =
        accepted ? factor_accepted(control, error, slots) : factor_rejected(control, error, slots);
    double h = factor * slots[ODEON_SLOT_H];

    slots[ODEON_SLOT_ERROR] = error;
    slots[ODEON_SLOT_ACCEPT] = accepted ? 1.0 : 0.0;
    slots[ODEON_SLOT_STATUS] = isfinite(error) ? ODEON_STEP_OK : ODEON_STEP_NONFINITE;
    if (accepted) {
        advance(control, error, slots);
    } else {
        slots[ODEON_SLOT_REJECTS] += 1.0;
    }
    if (accepted && slots[ODEON_SLOT_DONE] != 0.0) {
        /* proposed without an end to cut at */
        slots[ODEON_SLOT_H] = clip(h, -control->h_max, control->h_max);
        slots[ODEON_SLOT_LAST] = 0.0;
        return;
    }
    double size = fabs(h);
    if (size < control->h_min && (accepted || fabs(slots[ODEON_SLOT_H]) > control->h_min)) {
        size = control->h_min; /* h_min has not been tried from this T */
    }
    propose(control, size, !accepted, slots);
}

/* Did the accepted step end at REACH or beyond, in its direction? */
STEP_LOCAL bool reaches(const double *slots)
{
    double t = slots[ODEON_SLOT_T], reach = slots[ODEON_SLOT_REACH];
    return slots[ODEON_SLOT_ACCEPT] != 0.0 &&
           (slots[ODEON_SLOT_TRIED + 1] < 0.0 ? t <= reach : t >= reach);
}

/* Is the solve finished or failed, so that no further step is possible? */
STEP_LOCAL bool is_over(const double *slots)
{
    return slots[ODEON_SLOT_DONE] != 0.0 || slots[ODEON_SLOT_STATUS] == ODEON_STEP_UNDERFLOW ||
           !isfinite(slots[ODEON_SLOT_H]);
}

/* Has a counter reached its limit (trials, log rows, stored rows)? */
STEP_LOCAL bool is_full(const odeon_control *control, const double *slots)
{
    double limit = slots[ODEON_SLOT_LIMIT], trials = slots[ODEON_SLOT_TRIALS];
    return (limit > 0.0 && trials >= limit) ||
           (control->log != NULL && trials >= (double)control->log_rows) ||
           (control->rows > 0 && slots[ODEON_SLOT_STEPS] >= (double)control->rows);
}

/* Counts the trial and writes its row of the log. */
STEP_LOCAL void count(const odeon_control *control, double *slots)
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
STEP_FN void step_judge(const odeon_control *control, double *slots)
{
    if (slots[ODEON_SLOT_STOP] != 0.0) {
        slots[ODEON_SLOT_ACCEPT] = 0.0;
        return;
    }
    slots[ODEON_SLOT_TRIED] = slots[ODEON_SLOT_T];
    slots[ODEON_SLOT_TRIED + 1] = slots[ODEON_SLOT_H];
    judge(control, slots);
    count(control, slots);
    bool stop = is_over(slots) || reaches(slots) || is_full(control, slots);
    slots[ODEON_SLOT_STOP] = stop ? 1.0 : 0.0;
}

/* The first probe h0 from the norms of y0 and f0. Source: Hairer, Norsett, Wanner, Solving ODEs I,
 * 2nd ed., II.4, starting step size, step b. */
STEP_LOCAL double probe_size(double d0, double d1)
{
    return d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1;
}

/* The largest probe under ODEON_START_WITHIN: the field need not exist beyond the end. */
STEP_LOCAL double farthest(const odeon_control *control, const double *slots)
{
    double span = fabs(slots[ODEON_SLOT_REACH] - slots[ODEON_SLOT_T]);
    return control->h_max < span ? control->h_max : span;
}

/* Limits size to farthest, if the rule says so. */
STEP_LOCAL double within(const odeon_control *control, double size, const double *slots)
{
    double limit = farthest(control, slots);
    return control->start_rule == ODEON_START_WITHIN && size > limit ? limit : size;
}

STEP_LOCAL void set_probe(double size, double *slots)
{
    slots[ODEON_SLOT_PROBE] = size;
    slots[ODEON_SLOT_H] = copysign(size, slots[ODEON_SLOT_END] - slots[ODEON_SLOT_T]);
}

/* Replaces a probe at which the field was not finite by a nearer one. */
STEP_LOCAL void shrink_probe(const odeon_control *control, double *slots)
{
    double probe = slots[ODEON_SLOT_PROBE], limit = farthest(control, slots);
    set_probe(limit < probe ? limit : 0.1 * probe, slots);
}

/* The first step from the probe h0 and the norm d2 of the second derivative. Source: the same,
 * steps d to f, with the exponent that control gives. */
STEP_LOCAL double first_size(const odeon_control *control, double h0, double d1, double d2)
{
    double h1 = d1 <= 1e-15 && d2 <= 1e-15 ? fmax(1e-6, 1e-3 * h0)
                                           : pow(0.01 / larger(d1, d2), control->start_exponent);
    return 100.0 * h0 < h1 ? 100.0 * h0 : h1; /* NaN if h1 is, which the caller reports */
}

/* Resets the counters and the controller's history for a new solve. */
STEP_LOCAL void start_counting(const odeon_control *control, double *slots)
{
    slots[ODEON_SLOT_HISTORY] = control->history_start;
    slots[ODEON_SLOT_HISTORY + 1] = control->history_start;
    slots[ODEON_SLOT_STEPS] = 0.0;
    slots[ODEON_SLOT_REJECTS] = 0.0;
    slots[ODEON_SLOT_TRIALS] = 0.0;
    slots[ODEON_SLOT_ACCEPT] = 0.0;
    slots[ODEON_SLOT_DONE] = slots[ODEON_SLOT_T] == slots[ODEON_SLOT_END] ? 1.0 : 0.0;
    slots[ODEON_SLOT_STATUS] = ODEON_STEP_OK;
}

/* Phases 0 to 4 as device.h numbers them; 2 and 3 end the start and reset the counters. */
STEP_FN void step_start(const odeon_control *control, int32_t phase, double *slots)
{
    double *start = slots + ODEON_SLOT_START;
    double size = fabs(slots[ODEON_SLOT_H]), norm = phase < 3 ? error_norm(control, slots) : 0.0;
    if (phase == 0) {
        start[0] = norm;
        return;
    }
    if (phase == 1) {
        start[1] = norm;
        set_probe(within(control, probe_size(start[0], start[1]), slots), slots);
        return;
    }
    if (phase == 4) {
        shrink_probe(control, slots);
        return;
    }
    if (phase == 2) {
        size = isfinite(norm) ? first_size(control, size, start[1], norm / size) : (double)NAN;
        size = within(control, size, slots);
        size = size < control->h_min ? control->h_min : size;
    }
    start_counting(control, slots);
    propose(control, size, false, slots);
    if (isnan(size)) {
        slots[ODEON_SLOT_STATUS] = ODEON_STEP_NONFINITE;
    }
    slots[ODEON_SLOT_STOP] = is_over(slots) ? 1.0 : 0.0;
}

STEP_FN void step_back(double *slots)
{
    slots[ODEON_SLOT_ROW] -= 1.0;
    slots[ODEON_SLOT_STOP] = slots[ODEON_SLOT_ROW] >= 0.0 ? 0.0 : 1.0; /* also stops for NaN */
}

/* The comparisons fail for NaN, which so names no row. */
STEP_FN int64_t slot_row(const double *slots, int32_t slot, int64_t rows)
{
    double row = slots[slot];
    bool within = row >= 0.0 && row < (double)rows && floor(row) == row;
    return within ? (int64_t)row : -1;
}
