#include "plugin/tableau_pair.h"

#include <math.h>
#include <string.h>

#include "plugin/tableau.h"

/* The tables, with lists that are given once for both. */
typedef struct pair {
    const odeon_tableau *t;
    int32_t s;
    const double *a[2], *b[2], *c[2],
        *b_hat[2]; /* of terms that are not stiff, and of stiff ones */
    bool all;      /* every slope is wanted */
} pair;

enum { EXPLICIT = 0, IMPLICIT = 1 };

static const double *given_or(const double *list, const double *first)
{
    return list != NULL ? list : first;
}

static pair pair_of(void *self, bool all)
{
    const odeon_tableau *t = self;
    return (pair){.t = t,
                  .s = t->stages,
                  .a = {t->a, t->a_im},
                  .b = {t->b, given_or(t->b_im, t->b)},
                  .c = {t->c, given_or(t->c_im, t->c)},
                  .all = all};
}

static int32_t slope(const pair *x, int table, int32_t i)
{
    return tableau_slope(x->t, i + (table == IMPLICIT ? x->t->stages : 0));
}

static bool is_fsal(const pair *x)
{
    return (x->t->flags & ODEON_TABLEAU_FSAL) != 0;
}

static bool is_implicit(const pair *x, int32_t i)
{
    return x->a[IMPLICIT][i * x->s + i] != 0.0;
}

static bool is_estimated(const pair *x, int table, int32_t i)
{
    double weights[ODEON_MAX_ADDENDS];
    bool reads = false;
    for (int32_t e = 0; e < tableau_estimates(x->t); e++) {
        tableau_estimate_weights(x->t, e, table == IMPLICIT, weights);
        reads = reads || weights[i] != 0.0;
    }
    return reads;
}

/* Is slope i of a table there: does anything behind it read it, or is it the unknown of its stage?
 */
static bool has_slope(const pair *x, int table, int32_t i)
{
    bool reads = x->all || is_fsal(x) || x->b[table][i] != 0.0 ||
                 (table == IMPLICIT && is_implicit(x, i)) || is_estimated(x, table, i);
    for (int32_t later = i + 1; later < x->s; later++) {
        reads = reads || x->a[table][later * x->s + i] != 0.0;
    }
    return reads;
}

/* [y0 +] h sum over j < n of weights[j] f_j + weights_im[j] g_j, zeros left out; how many terms. */
static int32_t gather(const pair *x, bool y0, int32_t n, const double *weights,
                      const double *weights_im, odeon_addend *terms)
{
    int32_t count = 0;
    if (y0) {
        terms[count++] = (odeon_addend){1.0, ODEON_ONE, ODEON_Y0};
    }
    for (int32_t i = 0; i < 2 * n; i++) {
        int table = i < n ? EXPLICIT : IMPLICIT;
        int32_t j = i % n;
        double weight = (table == EXPLICIT ? weights : weights_im)[j];
        if (weight != 0.0) {
            terms[count++] = (odeon_addend){weight, ODEON_H, slope(x, table, j)};
        }
    }
    return count;
}

static odeon_status combine(const pair *x, const odeon_step *step, int32_t out, int32_t n,
                            const double *weights, const double *weights_im)
{
    odeon_addend terms[ODEON_MAX_ADDENDS];
    return odeon_say_combine(step, out, gather(x, true, n, weights, weights_im, terms), terms);
}

static odeon_status evaluate(const pair *x, const odeon_step *step, int table, int32_t i)
{
    const tableau_step *host = (const tableau_step *)(const void *)step;
    return host->eval_terms(step->self, slope(x, table, i), x->c[table][i], tableau_state(x->t, i),
                            table == EXPLICIT ? TERMS_EXPLICIT : TERMS_IMPLICIT);
}

/* Linear in c through the last stiff slope before and the one before it of another c, as far as
 * there are. Source: Hairer, Wanner, Solving ODEs II, 2nd ed., IV.8, equation 8.13. */
static void guess_slope(const pair *x, int32_t i, tableau_stage *stage)
{
    const double *c = x->c[IMPLICIT];
    int32_t near = i - 1;
    while (near >= 0 && !has_slope(x, IMPLICIT, near)) {
        near--;
    }
    if (near < 0) {
        return;
    }
    int32_t far = near - 1;
    while (far >= 0 && (!has_slope(x, IMPLICIT, far) || fabs(c[far] - c[near]) <= 0.1)) {
        far--;
    }
    double ratio = far < 0 ? 0.0 : (c[i] - c[near]) / (c[near] - c[far]);
    stage->guess[stage->n++] = (odeon_addend){1.0 + ratio, ODEON_ONE, slope(x, IMPLICIT, near)};
    if (ratio != 0.0) {
        stage->guess[stage->n++] = (odeon_addend){-ratio, ODEON_ONE, slope(x, IMPLICIT, far)};
    }
}

/* Y_i with the stiff slope in it. */
static odeon_status solve_stage(const pair *x, const odeon_step *step, int32_t i)
{
    const tableau_step *host = (const tableau_step *)(const void *)step;
    tableau_stage stage = {.c = x->c[IMPLICIT][i],
                           .gamma = tableau_diagonal(x->t, i),
                           .k = slope(x, IMPLICIT, i),
                           .y = tableau_state(x->t, i),
                           .base = tableau_base(x->t, i),
                           .terms = TERMS_IMPLICIT};
    guess_slope(x, i, &stage);
    return host->implicit(step->self, &stage);
}

/* A slope that nothing reads is not evaluated; those of the first stage may be carried. */
static odeon_status take_stage(const pair *x, const odeon_step *step, int32_t i)
{
    bool carried = i == 0 && is_fsal(x);
    if (i > 0) {
        ODEON_TRY(combine(x, step, tableau_base(x->t, i), i, x->a[EXPLICIT] + i * x->s,
                          x->a[IMPLICIT] + i * x->s));
    }
    if (is_implicit(x, i)) {
        ODEON_TRY(solve_stage(x, step, i));
    } else if (!carried && has_slope(x, IMPLICIT, i)) {
        ODEON_TRY(evaluate(x, step, IMPLICIT, i));
    }
    return !carried && has_slope(x, EXPLICIT, i) ? evaluate(x, step, EXPLICIT, i) : ODEON_OK;
}

/* The first as of any method; the others where a rule reads them. */
static odeon_status say_estimates(const pair *x, const odeon_step *step)
{
    const tableau_step *host = (const tableau_step *)(const void *)step;
    for (int32_t i = 0; i < tableau_estimates(x->t); i++) {
        double weights[2][ODEON_MAX_ADDENDS];
        odeon_addend terms[ODEON_MAX_ADDENDS];
        tableau_estimate_weights(x->t, i, false, weights[EXPLICIT]);
        tableau_estimate_weights(x->t, i, true, weights[IMPLICIT]);
        int32_t n = gather(x, false, x->s, weights[EXPLICIT], weights[IMPLICIT], terms);
        ODEON_TRY(i == 0 ? odeon_say_combine(step, ODEON_ERROR, n, terms)
                         : host->estimate(step->self, i, n, terms));
    }
    return ODEON_OK;
}

static odeon_status take(const pair *x, const odeon_step *step)
{
    for (int32_t i = 0; i < x->s; i++) {
        ODEON_TRY(take_stage(x, step, i));
    }
    if (!tableau_ends_in_last_stage(x->t)) {
        ODEON_TRY(combine(x, step, ODEON_Y1, x->s, x->b[EXPLICIT], x->b[IMPLICIT]));
    }
    return say_estimates(x, step);
}

static odeon_status take_step(void *self, const odeon_step *step)
{
    pair x = pair_of(self, false);
    return take(&x, step);
}

static odeon_status take_dense_step(void *self, const odeon_step *step)
{
    pair x = pair_of(self, true);
    return take(&x, step);
}

/* Both slopes at y0, where the last stage of a step before would have left them. */
static odeon_status start(void *self, const odeon_step *step)
{
    const tableau_step *host = (const tableau_step *)(const void *)step;
    pair x = pair_of(self, false);
    if (!is_fsal(&x)) {
        return ODEON_OK;
    }
    ODEON_TRY(host->eval_terms(step->self, ODEON_CARRY_OUT, 0.0, ODEON_Y0, TERMS_EXPLICIT));
    return host->eval_terms(step->self, ODEON_CARRY_OUT + 1, 0.0, ODEON_Y0, TERMS_IMPLICIT);
}

const odeon_stepper_ops tableau_pair_ops = {.struct_size = sizeof tableau_pair_ops,
                                            .describe = tableau_describe,
                                            .start = start,
                                            .step = take_step};

const odeon_stepper_ops tableau_dense_pair_ops = {.struct_size = sizeof tableau_dense_pair_ops,
                                                  .describe = tableau_describe,
                                                  .start = start,
                                                  .step = take_dense_step};
