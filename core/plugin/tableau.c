#include "plugin/tableau.h"

#include <stdbool.h>

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

/* self is const data of a plugin; slots take void *, which nobody writes through here. */
static const odeon_tableau *tableau_of(void *self)
{
    return self;
}

static odeon_status describe(void *self, odeon_stepper_info *out)
{
    const odeon_tableau *t = tableau_of(self);
    *out = (odeon_stepper_info){.struct_size = sizeof *out,
                                .flags = ODEON_STEPPER_UNIFORM,
                                .order = t->order,
                                .embedded_order = t->b_hat == NULL ? 0 : t->embedded_order,
                                .n_carry = is_fsal(t) ? 1 : 0,
                                .n_work = 2 * all_stages(t)};
    return ODEON_OK;
}

/* k_i, and after those of the step those of dense stages: under FSAL the first comes from the step
 * before and the last of the step goes to the next. */
int32_t tableau_slope(const odeon_tableau *t, int32_t i)
{
    if (is_fsal(t) && i == 0) {
        return ODEON_HANDLE_CARRY_IN;
    }
    if (is_fsal(t) && i == t->stages - 1) {
        return ODEON_HANDLE_CARRY_OUT;
    }
    return ODEON_HANDLE_WORK + i;
}

/* Y_i: the first is y0; under FSAL the last is y1. */
static int32_t stage_state(const odeon_tableau *t, int32_t i)
{
    if (i == 0) {
        return ODEON_HANDLE_Y0;
    }
    if (is_fsal(t) && i == t->stages - 1) {
        return ODEON_HANDLE_Y1;
    }
    return ODEON_HANDLE_WORK + all_stages(t) + i;
}

/* out = [y0 +] h sum over j < n of weights[j] k_j, zeros left out. */
static odeon_status combine(const odeon_tableau *t, const odeon_step *step, int32_t out, bool y0,
                            int32_t n, const double *weights)
{
    odeon_term terms[MAX_STAGES + 1];
    int32_t count = 0;
    if (y0) {
        terms[count++] = (odeon_term){.alpha = 1.0, .x = ODEON_HANDLE_Y0};
    }
    for (int32_t j = 0; j < n; j++) {
        if (weights[j] != 0.0) {
            terms[count++] = (odeon_term){.beta = weights[j], .x = tableau_slope(t, j)};
        }
    }
    return step->combine(step->self, out, count, terms);
}

static odeon_status start(void *self, const odeon_step *step)
{
    const odeon_tableau *t = tableau_of(self);
    return is_fsal(t) ? step->eval(step->self, ODEON_HANDLE_CARRY_OUT, 0.0, ODEON_HANDLE_Y0)
                      : ODEON_OK;
}

static odeon_status take_step(void *self, const odeon_step *step)
{
    const odeon_tableau *t = tableau_of(self);
    for (int32_t i = 0; i < t->stages; i++) {
        if (i > 0) {
            ODEON_TRY(combine(t, step, stage_state(t, i), true, i, t->a + i * t->stages));
        }
        if (i > 0 || !is_fsal(t)) {
            ODEON_TRY(step->eval(step->self, tableau_slope(t, i), t->c[i], stage_state(t, i)));
        }
    }
    if (!is_fsal(t)) {
        ODEON_TRY(combine(t, step, ODEON_HANDLE_Y1, true, t->stages, t->b));
    }
    if (t->b_hat == NULL || t->embedded_order == 0) {
        return ODEON_OK;
    }
    double weights[MAX_STAGES];
    for (int32_t i = 0; i < t->stages; i++) {
        weights[i] = t->b[i] - t->b_hat[i];
    }
    return combine(t, step, ODEON_HANDLE_ERROR, false, t->stages, weights);
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
            step->eval(step->self, tableau_slope(t, stage), t->dense_c[i], stage_state(t, stage)));
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
    for (int32_t i = 0; i < t->stages; i++) {
        if (t->a[i * t->stages + i] != 0.0) {
            return "implicit stages";
        }
    }
    return t->a_im != NULL              ? "pairs of an explicit and an implicit table"
           : all_stages(t) > MAX_STAGES ? "methods of more than 32 stages"
           : t->filter_gamma != 0.0     ? "a filter of the error estimate"
           : t->estimate_rule != ODEON_ESTIMATES_FIRST ? "rules that join several error estimates"
                                                       : NULL;
}
