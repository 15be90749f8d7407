#include "plugin/tableau.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* That are carried out, dense stages among them. A pair evaluates twice in a stage, and its end is
 * one sum of y0 and both slopes of all, of at most ODEON_MAX_ADDENDS. */
enum { MAX_STAGES = 32, MAX_PAIR_STAGES = (ODEON_MAX_ADDENDS - 1) / 2 };
static_assert(MAX_STAGES < ODEON_MAX_ADDENDS, "y0 and all slopes are one sum");

static bool is_fsal(const odeon_tableau *t)
{
    return (t->flags & ODEON_TABLEAU_FSAL) != 0;
}

/* Dense stages follow those of the step. */
static int32_t all_stages(const odeon_tableau *t)
{
    return t->stages + t->dense_stages;
}

int32_t tableau_slopes(const odeon_tableau *t)
{
    return (t->a_im != NULL ? 2 : 1) * all_stages(t);
}

double tableau_diagonal(const odeon_tableau *t, int32_t i)
{
    return (t->a_im != NULL ? t->a_im : t->a)[i * t->stages + i];
}

bool tableau_is_implicit(const odeon_tableau *t)
{
    for (int32_t i = 0; i < t->stages; i++) {
        if (tableau_diagonal(t, i) != 0.0) {
            return true;
        }
    }
    return false;
}

static bool ends_in_b(const odeon_tableau *t, const double *a, const double *b)
{
    return memcmp(a + (t->stages - 1) * t->stages, b, (size_t)t->stages * sizeof *b) == 0;
}

/* Of a stiffly accurate method y + h sum b_i k_i would multiply the rounding of stiff slopes by h.
 */
bool tableau_ends_in_last_stage(const odeon_tableau *t)
{
    bool implicit = tableau_diagonal(t, t->stages - 1) != 0.0;
    bool ends = ends_in_b(t, t->a, t->b);
    if (t->a_im != NULL) {
        ends = ends && ends_in_b(t, t->a_im, t->b_im != NULL ? t->b_im : t->b);
    }
    return is_fsal(t) || (implicit && ends);
}

/* self is const data of a plugin; slots take void *, which nobody writes through here. */
static const odeon_tableau *tableau_of(void *self)
{
    return self;
}

/* Each stage has a slope, or two, a state and, if it is implicit, a base. */
odeon_status tableau_describe(void *self, odeon_stepper_info *out)
{
    const odeon_tableau *t = tableau_of(self);
    int32_t per_stage = (tableau_is_implicit(t) ? 2 : 1) * all_stages(t);
    *out = (odeon_stepper_info){.struct_size = sizeof *out,
                                .flags = t->a_im != NULL ? ODEON_STEPPER_SPLIT : 0,
                                .order = t->order,
                                .embedded_order = t->b_hat == NULL ? 0 : t->embedded_order,
                                .n_carry = is_fsal(t) ? tableau_slopes(t) / all_stages(t) : 0,
                                .n_work = tableau_slopes(t) + per_stage};
    return ODEON_OK;
}

/* k_i, and after those of the step those of dense stages: under FSAL the first comes from the step
 * before and the last of the step goes to the next. */
int32_t tableau_slope(const odeon_tableau *t, int32_t i)
{
    int32_t table = i / all_stages(t), stage = i % all_stages(t);
    if (is_fsal(t) && stage == 0) {
        return ODEON_CARRY_IN + table;
    }
    if (is_fsal(t) && stage == t->stages - 1) {
        return ODEON_CARRY_OUT + table;
    }
    return ODEON_WORK + i;
}

int32_t tableau_estimates(const odeon_tableau *t)
{
    if (t->b_hat == NULL || t->embedded_order == 0) {
        return 0;
    }
    return t->estimate_rule == ODEON_ESTIMATES_FIRST ? 1 : 1 + t->n_more_estimates;
}

/* A list that is not given for the implicit table is that of the first. */
void tableau_estimate_weights(const odeon_tableau *t, int32_t i, bool second, double *weights)
{
    const double *b = second && t->b_im != NULL ? t->b_im : t->b;
    const double *b_hat = second && t->b_hat_im != NULL ? t->b_hat_im : t->b_hat;
    if (i > 0) {
        b_hat = second && t->more_b_hat_im != NULL ? t->more_b_hat_im : t->more_b_hat;
        b_hat += (i - 1) * t->stages;
    }
    for (int32_t j = 0; j < t->stages; j++) {
        weights[j] = b[j] - b_hat[j];
    }
}

/* Of estimate i: n_i of tableau.h falls as h to this power. */
static int32_t estimate_power(const odeon_tableau *t, int32_t i)
{
    int32_t order = i == 0 ? t->embedded_order : t->more_orders[i - 1];
    return 1 + (order < t->order ? order : t->order);
}

int32_t tableau_error_power(const odeon_tableau *t)
{
    int32_t n = tableau_estimates(t), least = n > 0 ? estimate_power(t, 0) : t->order;
    if (n <= 1) {
        return tableau_is_implicit(t) ? least : t->order;
    }
    if (t->estimate_rule == ODEON_ESTIMATES_DOP853) {
        return 2 * least - estimate_power(t, 1);
    }
    for (int32_t i = 1; i < n; i++) {
        least = estimate_power(t, i) < least ? estimate_power(t, i) : least;
    }
    return least;
}

const double *tableau_interp(const odeon_tableau *t, int32_t i)
{
    bool second = i >= all_stages(t) && t->interp_im != NULL;
    return (second ? t->interp_im : t->interp) + i % all_stages(t) * t->interp_degree;
}

/* The first is y0, unless it is implicit; the last may be y1. */
int32_t tableau_state(const odeon_tableau *t, int32_t i)
{
    if (i == t->stages - 1 && tableau_ends_in_last_stage(t)) {
        return ODEON_Y1;
    }
    return i == 0 && tableau_diagonal(t, 0) == 0.0 ? ODEON_Y0 : ODEON_WORK + tableau_slopes(t) + i;
}

/* Of an explicit stage that is Y_i itself. */
int32_t tableau_base(const odeon_tableau *t, int32_t i)
{
    bool implicit = i < t->stages && tableau_diagonal(t, i) != 0.0;
    if (i == 0) {
        return ODEON_Y0;
    }
    return implicit ? ODEON_WORK + tableau_slopes(t) + all_stages(t) + i : tableau_state(t, i);
}

/* ---- a step in verbs, of one table or of a pair ---- */

/* [y0 +] h sum over j < n of weights[j] k_j, of a pair + weights_im[j] of its stiff slopes; zeros
 * are left out; how many terms. */
static int32_t gather(const odeon_tableau *t, bool y0, int32_t n, const double *weights,
                      const double *weights_im, odeon_addend *terms)
{
    int32_t count = 0;
    if (y0) {
        terms[count++] = (odeon_addend){1.0, ODEON_ONE, ODEON_Y0};
    }
    for (int32_t i = 0; i < (weights_im != NULL ? 2 * n : n); i++) {
        double weight = i < n ? weights[i] : weights_im[i - n];
        int32_t k = i < n ? i : all_stages(t) + i - n;
        if (weight != 0.0) {
            terms[count++] = (odeon_addend){weight, ODEON_H, tableau_slope(t, k)};
        }
    }
    return count;
}

odeon_status tableau_combine(const odeon_tableau *t, const odeon_step *step, int32_t out, int32_t n,
                             const double *weights, const double *weights_im)
{
    odeon_addend terms[ODEON_MAX_ADDENDS];
    return odeon_step_combine(step, out, gather(t, true, n, weights, weights_im, terms), terms);
}

/* The first as of any method; the others where a rule reads them. */
odeon_status tableau_combine_estimates(const odeon_tableau *t, const odeon_step *step)
{
    const tableau_step *host = (const tableau_step *)(const void *)step;
    for (int32_t i = 0; i < tableau_estimates(t); i++) {
        double weights[MAX_STAGES], weights_im[MAX_STAGES];
        odeon_addend terms[ODEON_MAX_ADDENDS];
        tableau_estimate_weights(t, i, false, weights);
        tableau_estimate_weights(t, i, true, weights_im);
        int32_t n =
            gather(t, false, t->stages, weights, t->a_im != NULL ? weights_im : NULL, terms);
        ODEON_TRY(i == 0 ? odeon_step_combine(step, ODEON_ERROR, n, terms)
                         : host->estimate(step->self, i, n, terms));
    }
    return ODEON_OK;
}

/* Linear in c through the last slope before and the one before it of another c, as far as there
 * are; first: the slope of stage 0. Source: Hairer, Wanner, Solving ODEs II, 2nd ed., IV.8,
 * equation 8.13. */
static void guess_slope(const odeon_tableau *t, const double *c, int32_t first, const bool *has,
                        int32_t i, tableau_stage *stage)
{
    int32_t near = i - 1;
    while (near >= 0 && has != NULL && !has[near]) {
        near--;
    }
    if (near < 0) {
        return;
    }
    int32_t far = near - 1;
    while (far >= 0 && ((has != NULL && !has[far]) || fabs(c[far] - c[near]) <= 0.1)) {
        far--;
    }
    double ratio = far < 0 ? 0.0 : (c[i] - c[near]) / (c[near] - c[far]);
    stage->guess[stage->n++] =
        (odeon_addend){1.0 + ratio, ODEON_ONE, tableau_slope(t, first + near)};
    if (ratio != 0.0) {
        stage->guess[stage->n++] = (odeon_addend){-ratio, ODEON_ONE, tableau_slope(t, first + far)};
    }
}

/* Of a tableau with implicit stages the host alone calls the slots, with all of a tableau_step. */
odeon_status tableau_solve_stage(const odeon_tableau *t, const odeon_step *step, int32_t i,
                                 const bool *has)
{
    const tableau_step *host = (const tableau_step *)(const void *)step;
    const double *c = t->c_im != NULL ? t->c_im : t->c;
    int32_t first = t->a_im != NULL ? all_stages(t) : 0;
    tableau_stage stage = {.c = c[i],
                           .gamma = tableau_diagonal(t, i),
                           .k = tableau_slope(t, first + i),
                           .y = tableau_state(t, i),
                           .base = tableau_base(t, i),
                           .terms = t->a_im != NULL ? ODEON_TERMS_STIFF : ODEON_TERMS_ALL};
    guess_slope(t, c, first, has, i, &stage);
    return host->implicit(step->self, &stage);
}

/* ---- a step of one table ---- */

static odeon_status combine(const odeon_tableau *t, const odeon_step *step, int32_t out, int32_t n,
                            const double *weights)
{
    return tableau_combine(t, step, out, n, weights, NULL);
}

static odeon_status start(void *self, const odeon_step *step)
{
    const odeon_tableau *t = tableau_of(self);
    return is_fsal(t) ? odeon_step_eval(step, ODEON_CARRY_OUT, 0.0, ODEON_Y0) : ODEON_OK;
}

static odeon_status take_stage(const odeon_tableau *t, const odeon_step *step, int32_t i)
{
    if (i > 0) {
        ODEON_TRY(combine(t, step, tableau_base(t, i), i, t->a + i * t->stages));
    }
    if (tableau_diagonal(t, i) != 0.0) {
        return tableau_solve_stage(t, step, i, NULL);
    }
    return i == 0 && is_fsal(t)
               ? ODEON_OK /* the slope is carried */
               : odeon_step_eval(step, tableau_slope(t, i), t->c[i], tableau_state(t, i));
}

static odeon_status take_step(void *self, const odeon_step *step)
{
    const odeon_tableau *t = tableau_of(self);
    for (int32_t i = 0; i < t->stages; i++) {
        ODEON_TRY(take_stage(t, step, i));
    }
    if (!tableau_ends_in_last_stage(t)) {
        ODEON_TRY(combine(t, step, ODEON_Y1, t->stages, t->b));
    }
    return tableau_combine_estimates(t, step);
}

/* The step, then the stages that dense output alone needs, each of which reads all before it. */
static odeon_status take_dense_step(void *self, const odeon_step *step)
{
    const odeon_tableau *t = tableau_of(self);
    ODEON_TRY(take_step(self, step));
    for (int32_t i = 0; i < t->dense_stages; i++) {
        int32_t stage = t->stages + i;
        ODEON_TRY(combine(t, step, tableau_state(t, stage), stage, t->dense_a + i * all_stages(t)));
        ODEON_TRY(
            odeon_step_eval(step, tableau_slope(t, stage), t->dense_c[i], tableau_state(t, stage)));
    }
    return ODEON_OK;
}

const odeon_stepper_ops tableau_stepper_ops = {
    .struct_size = sizeof tableau_stepper_ops,
    .describe = tableau_describe,
    .start = start,
    .step = take_step,
};

const odeon_stepper_ops tableau_dense_stepper_ops = {
    .struct_size = sizeof tableau_dense_stepper_ops,
    .describe = tableau_describe,
    .start = start,
    .step = take_dense_step,
};

const char *tableau_beyond_host(const odeon_tableau *t)
{
    return all_stages(t) > MAX_STAGES                           ? "methods of more than 32 stages"
           : t->a_im != NULL && all_stages(t) > MAX_PAIR_STAGES ? "pairs of more than 19 stages"
           : t->a_im != NULL && t->dense_stages > 0             ? "dense stages of a pair"
           : t->filter_gamma != 0.0 && !tableau_is_implicit(t)  ? "a filter of the error estimate"
                                                                : NULL;
}
