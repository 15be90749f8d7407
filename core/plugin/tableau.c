#include "plugin/tableau.h"

#include <math.h>
#include <string.h>

enum { MAX_STAGES = 32 }; /* that are carried out, dense stages among them */

static bool is_fsal(const odeon_tableau *t)
{
    return (t->flags & ODEON_TABLEAU_FSAL) != 0;
}

/* Dense stages follow those of the step. */
static int32_t all_stages(const odeon_tableau *t)
{
    return t->stages + t->dense_stages;
}

/* a_ii: not 0 where stage i is implicit. */
static double diagonal(const odeon_tableau *t, int32_t i)
{
    return t->a[i * t->stages + i];
}

bool tableau_is_implicit(const odeon_tableau *t)
{
    for (int32_t i = 0; i < t->stages; i++) {
        if (diagonal(t, i) != 0.0) {
            return true;
        }
    }
    return false;
}

/* Is the last Y the end of the step, bit for bit? Of a stiffly accurate method y + h sum b_i k_i
 * would multiply the rounding of stiff slopes by h. */
static bool ends_in_last_stage(const odeon_tableau *t)
{
    const double *last = t->a + (t->stages - 1) * t->stages;
    return is_fsal(t) || (last[t->stages - 1] != 0.0 &&
                          memcmp(last, t->b, (size_t)t->stages * sizeof *last) == 0);
}

/* self is const data of a plugin; slots take void *, which nobody writes through here. */
static const odeon_tableau *tableau_of(void *self)
{
    return self;
}

static odeon_status describe(void *self, odeon_stepper_info *out)
{
    const odeon_tableau *t = tableau_of(self);
    *out = (odeon_stepper_info){.struct_size = sizeof *out,
                                .order = t->order,
                                .embedded_order = t->b_hat == NULL ? 0 : t->embedded_order,
                                .n_carry = is_fsal(t) ? 1 : 0,
                                .n_work = (tableau_is_implicit(t) ? 3 : 2) * all_stages(t)};
    return ODEON_OK;
}

/* k_i, and after those of the step those of dense stages: under FSAL the first comes from the step
 * before and the last of the step goes to the next. */
int32_t tableau_slope(const odeon_tableau *t, int32_t i)
{
    if (is_fsal(t) && i == 0) {
        return ODEON_CARRY_IN;
    }
    if (is_fsal(t) && i == t->stages - 1) {
        return ODEON_CARRY_OUT;
    }
    return ODEON_WORK + i;
}

/* Y_i: the first is y0, unless it is implicit; the last may be y1. */
static int32_t stage_state(const odeon_tableau *t, int32_t i)
{
    if (i == t->stages - 1 && ends_in_last_stage(t)) {
        return ODEON_Y1;
    }
    return i == 0 && diagonal(t, 0) == 0.0 ? ODEON_Y0 : ODEON_WORK + all_stages(t) + i;
}

/* y + h sum of the slopes before stage i; of an explicit stage that is Y_i itself. */
static int32_t stage_base(const odeon_tableau *t, int32_t i)
{
    bool implicit = i < t->stages && diagonal(t, i) != 0.0;
    if (i == 0) {
        return ODEON_Y0;
    }
    return implicit ? ODEON_WORK + 2 * all_stages(t) + i : stage_state(t, i);
}

/* out = [y0 +] h sum over j < n of weights[j] k_j, zeros left out. */
static odeon_status combine(const odeon_tableau *t, const odeon_step *step, int32_t out, bool y0,
                            int32_t n, const double *weights)
{
    odeon_addend terms[MAX_STAGES + 1];
    int32_t count = 0;
    if (y0) {
        terms[count++] = (odeon_addend){1.0, ODEON_ONE, ODEON_Y0};
    }
    for (int32_t j = 0; j < n; j++) {
        if (weights[j] != 0.0) {
            terms[count++] = (odeon_addend){weights[j], ODEON_H, tableau_slope(t, j)};
        }
    }
    return odeon_say_combine(step, out, count, terms);
}

static odeon_status start(void *self, const odeon_step *step)
{
    const odeon_tableau *t = tableau_of(self);
    return is_fsal(t) ? odeon_say_eval(step, ODEON_CARRY_OUT, 0.0, ODEON_Y0) : ODEON_OK;
}

/* Linear in c through the last slope and the one before it of another c, as far as there are.
 * Source: Hairer, Wanner, Solving ODEs II, 2nd ed., IV.8, equation 8.13. */
static void guess_slope(const odeon_tableau *t, int32_t i, tableau_stage *stage)
{
    int32_t near = i - 1, far = i - 2;
    if (i == 0) {
        return;
    }
    while (far >= 0 && fabs(t->c[far] - t->c[near]) <= 0.1) {
        far--;
    }
    double ratio = far < 0 ? 0.0 : (t->c[i] - t->c[near]) / (t->c[near] - t->c[far]);
    stage->guess[stage->n++] = (odeon_addend){1.0 + ratio, ODEON_ONE, tableau_slope(t, near)};
    if (ratio != 0.0) {
        stage->guess[stage->n++] = (odeon_addend){-ratio, ODEON_ONE, tableau_slope(t, far)};
    }
}

/* Of a tableau with implicit stages the host alone calls the slots, with all of a tableau_step. */
static odeon_status solve_stage(const odeon_tableau *t, const odeon_step *step, int32_t i)
{
    const tableau_step *host = (const tableau_step *)(const void *)step;
    tableau_stage stage = {.c = t->c[i],
                           .gamma = diagonal(t, i),
                           .k = tableau_slope(t, i),
                           .y = stage_state(t, i),
                           .base = stage_base(t, i)};
    guess_slope(t, i, &stage);
    return host->implicit(step->self, &stage);
}

static odeon_status take_stage(const odeon_tableau *t, const odeon_step *step, int32_t i)
{
    if (i > 0) {
        ODEON_TRY(combine(t, step, stage_base(t, i), true, i, t->a + i * t->stages));
    }
    if (diagonal(t, i) != 0.0) {
        return solve_stage(t, step, i);
    }
    return i == 0 && is_fsal(t)
               ? ODEON_OK /* the slope is carried */
               : odeon_say_eval(step, tableau_slope(t, i), t->c[i], stage_state(t, i));
}

static odeon_status take_step(void *self, const odeon_step *step)
{
    const odeon_tableau *t = tableau_of(self);
    for (int32_t i = 0; i < t->stages; i++) {
        ODEON_TRY(take_stage(t, step, i));
    }
    if (!ends_in_last_stage(t)) {
        ODEON_TRY(combine(t, step, ODEON_Y1, true, t->stages, t->b));
    }
    if (t->b_hat == NULL || t->embedded_order == 0) {
        return ODEON_OK;
    }
    double weights[MAX_STAGES];
    for (int32_t i = 0; i < t->stages; i++) {
        weights[i] = t->b[i] - t->b_hat[i];
    }
    return combine(t, step, ODEON_ERROR, false, t->stages, weights);
}

/* The step, then the stages that dense output alone needs, each of which reads all before it. */
static odeon_status take_dense_step(void *self, const odeon_step *step)
{
    const odeon_tableau *t = tableau_of(self);
    ODEON_TRY(take_step(self, step));
    for (int32_t i = 0; i < t->dense_stages; i++) {
        int32_t stage = t->stages + i;
        ODEON_TRY(
            combine(t, step, stage_state(t, stage), true, stage, t->dense_a + i * all_stages(t)));
        ODEON_TRY(
            odeon_say_eval(step, tableau_slope(t, stage), t->dense_c[i], stage_state(t, stage)));
    }
    return ODEON_OK;
}

const odeon_stepper_ops tableau_stepper_ops = {
    .struct_size = sizeof tableau_stepper_ops,
    .describe = describe,
    .start = start,
    .step = take_step,
};

const odeon_stepper_ops tableau_dense_stepper_ops = {
    .struct_size = sizeof tableau_dense_stepper_ops,
    .describe = describe,
    .start = start,
    .step = take_dense_step,
};

const char *tableau_beyond_host(const odeon_tableau *t)
{
    return t->a_im != NULL              ? "pairs of an explicit and an implicit table"
           : all_stages(t) > MAX_STAGES ? "methods of more than 32 stages"
           : t->filter_gamma != 0.0 && !tableau_is_implicit(t) ? "a filter of the error estimate"
           : t->estimate_rule != ODEON_ESTIMATES_FIRST ? "rules that join several error estimates"
                                                       : NULL;
}
