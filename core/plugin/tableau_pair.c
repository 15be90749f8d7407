#include "plugin/tableau_pair.h"

#include "plugin/tableau.h"

/* The tables, with lists that are given once for both. */
typedef struct pair {
    const odeon_tableau *t;
    int32_t s;
    const double *a[2], *b[2], *c[2]; /* of terms that are not stiff, and of stiff ones */
    bool all;                         /* every slope is wanted */
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

static odeon_status evaluate(const pair *x, const odeon_step *step, int table, int32_t i)
{
    int32_t terms = table == EXPLICIT ? ODEON_TERMS_OTHER : ODEON_TERMS_STIFF;
    return odeon_step_eval_terms(step, slope(x, table, i), terms, x->c[table][i],
                                 tableau_state(x->t, i));
}

/* Y_i with the stiff slope in it. */
static odeon_status solve_stage(const pair *x, const odeon_step *step, int32_t i)
{
    bool has[ODEON_MAX_ADDENDS];
    for (int32_t j = 0; j < i; j++) {
        has[j] = has_slope(x, IMPLICIT, j);
    }
    return tableau_solve_stage(x->t, step, i, has);
}

/* A slope that nothing reads is not evaluated; those of the first stage may be carried. */
static odeon_status take_stage(const pair *x, const odeon_step *step, int32_t i)
{
    bool carried = i == 0 && is_fsal(x);
    if (i > 0) {
        ODEON_TRY(tableau_combine(x->t, step, tableau_base(x->t, i), i, x->a[EXPLICIT] + i * x->s,
                                  x->a[IMPLICIT] + i * x->s));
    }
    if (is_implicit(x, i)) {
        ODEON_TRY(solve_stage(x, step, i));
    } else if (!carried && has_slope(x, IMPLICIT, i)) {
        ODEON_TRY(evaluate(x, step, IMPLICIT, i));
    }
    return !carried && has_slope(x, EXPLICIT, i) ? evaluate(x, step, EXPLICIT, i) : ODEON_OK;
}

static odeon_status take(const pair *x, const odeon_step *step)
{
    for (int32_t i = 0; i < x->s; i++) {
        ODEON_TRY(take_stage(x, step, i));
    }
    if (!tableau_ends_in_last_stage(x->t)) {
        ODEON_TRY(tableau_combine(x->t, step, ODEON_Y1, x->s, x->b[EXPLICIT], x->b[IMPLICIT]));
    }
    return tableau_combine_estimates(x->t, step);
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
    pair x = pair_of(self, false);
    if (!is_fsal(&x)) {
        return ODEON_OK;
    }
    ODEON_TRY(odeon_step_eval_terms(step, ODEON_CARRY_OUT, ODEON_TERMS_OTHER, 0.0, ODEON_Y0));
    return odeon_step_eval_terms(step, ODEON_CARRY_OUT + 1, ODEON_TERMS_STIFF, 0.0, ODEON_Y0);
}

const odeon_stepper_ops tableau_pair_ops = {.struct_size = sizeof tableau_pair_ops,
                                            .describe = tableau_describe,
                                            .start = start,
                                            .step = take_step};

const odeon_stepper_ops tableau_dense_pair_ops = {.struct_size = sizeof tableau_dense_pair_ops,
                                                  .describe = tableau_describe,
                                                  .start = start,
                                                  .step = take_dense_step};
