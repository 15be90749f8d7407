#include "plugin/tableau_order.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/mem.h"
#include "plugin/tableau_trees.h"

/* Of the sum of the absolute values of what is added up; odeon/tableau.h gives the reason. */
static const double tolerance = 1e-12;

/* A sum and what it should be, with the absolute values of its terms. */
typedef struct sum {
    double value, target, magnitude;
} sum;

static sum sum_to(double target)
{
    return (sum){.target = target, .magnitude = fabs(target)};
}

static void sum_add(sum *x, double factor, double value, double magnitude)
{
    x->value += factor * value;
    x->magnitude += fabs(factor) * magnitude;
}

static bool sum_holds(const sum *x) /* false of what is not finite, too */
{
    return fabs(x->value - x->target) <= tolerance * x->magnitude;
}

/* ---- order conditions ---- */

/* What is said to be of some order: weights of stages, one a stage, or as polynomials in the place
 * x within the step. */
typedef struct weights {
    char name[32];       /* "b" */
    const double *of[2]; /* [n][columns], for each colour of the root */
    int32_t n, columns;  /* columns: the polynomials' degree; of numbers 1 */
    bool dense;
    int32_t claimed;
} weights;

/* The first condition that is missed: sum_i w_i phi_i = 1 / density. */
typedef struct missed {
    int32_t tree, colour, power; /* power of x; of numbers 0 */
    sum sum;
} missed;

/* Of numbers; of polynomials the condition on x^power, sum_i w_i(x) phi_i = x^nodes / density. A
 * power above their degree has the factor 0. */
static sum condition(const weights *w, const rooted_tree *tree, int32_t colour, int32_t power)
{
    sum result = sum_to(!w->dense || power == tree->nodes ? 1.0 / tree->density : 0.0);
    int32_t column = w->dense ? power - 1 : 0;
    for (int32_t i = 0; i < w->n && column < w->columns; i++) {
        sum_add(&result, w->of[colour][i * w->columns + column], tree->phi[i], tree->magnitude[i]);
    }
    return result;
}

/* Whether all conditions of a tree hold. */
static bool tree_holds(const tableau_trees *trees, const weights *w, int32_t tree, missed *out)
{
    const rooted_tree *x = &trees->tree[tree];
    int32_t last = !w->dense ? 0 : x->nodes > w->columns ? x->nodes : w->columns;
    for (int32_t colour = 0; colour < trees->colours; colour++) {
        for (int32_t power = w->dense ? 1 : 0; power <= last; power++) {
            *out = (missed){tree, colour, power, condition(w, x, colour, power)};
            if (!sum_holds(&out->sum)) {
                return false;
            }
        }
    }
    return true;
}

/* The order that weights have, at most that of the largest trees. */
static int32_t order_of(const tableau_trees *trees, const weights *w, missed *out)
{
    for (int32_t i = 0; i < trees->n; i++) {
        if (!tree_holds(trees, w, i, out)) {
            return trees->tree[i].nodes - 1;
        }
    }
    return trees->nodes;
}

static odeon_status check_order(const tableau_trees *trees, const weights *w, const char *path)
{
    missed m;
    int32_t order = order_of(trees, w, &m);
    if (order >= w->claimed || order == trees->nodes) {
        return ODEON_OK;
    }
    char tree[TREES_TEXT_BYTES], factor[32] = "";
    tableau_trees_text(trees, m.tree, m.colour, tree);
    if (w->dense) {
        (void)snprintf(factor, sizeof factor, " x^%d the factor", (int)m.power);
    }
    return diag_fail(ODEON_ERR_PLUGIN,
                     "%s: tableau: %s is said to be of order %d, but is of order %d: the tree %s "
                     "gives%s %.10g, but should give %.10g (off by %.3g)",
                     path, w->name, (int)w->claimed, (int)order, tree, factor, m.sum.value,
                     m.sum.target, m.sum.value - m.sum.target);
}

/* ---- what a table claims ---- */

static const double *either(const double *first, const double *otherwise)
{
    return first != NULL ? first : otherwise;
}

static weights weights_of_b(const odeon_tableau *t)
{
    return (weights){.name = "b",
                     .of = {t->b, either(t->b_im, t->b)},
                     .n = t->stages,
                     .columns = 1,
                     .claimed = t->order};
}

/* Estimate 0 is b_hat, the others are rows of more_b_hat. */
static weights weights_of_estimate(const odeon_tableau *t, int32_t i)
{
    weights w = {.name = "b_hat",
                 .of = {t->b_hat, either(t->b_hat_im, t->b_hat)},
                 .n = t->stages,
                 .columns = 1,
                 .claimed = t->embedded_order};
    if (i > 0) {
        (void)snprintf(w.name, sizeof w.name, "row %d of more_b_hat", (int)i - 1);
        w.of[0] = t->more_b_hat + (i - 1) * t->stages;
        w.of[1] = either(t->more_b_hat_im, t->more_b_hat) + (i - 1) * t->stages;
        w.claimed = t->more_orders[i - 1];
    }
    return w;
}

static weights weights_of_interp(const odeon_tableau *t)
{
    return (weights){.name = "interp",
                     .of = {t->interp, either(t->interp_im, t->interp)},
                     .n = t->stages + t->dense_stages,
                     .columns = t->interp_degree,
                     .dense = true,
                     .claimed = t->interp_order};
}

static int32_t estimate_count(const odeon_tableau *t)
{
    return t->b_hat != NULL ? 1 + t->n_more_estimates : 0;
}

static int32_t highest_claim(const odeon_tableau *t)
{
    int32_t highest = t->order > t->interp_order ? t->order : t->interp_order;
    for (int32_t i = 0; i < estimate_count(t); i++) {
        int32_t claimed = weights_of_estimate(t, i).claimed;
        highest = claimed > highest ? claimed : highest;
    }
    return highest;
}

static odeon_status check_orders(const odeon_tableau *t, const tableau_trees *trees,
                                 const char *path)
{
    weights w = weights_of_b(t);
    ODEON_TRY(check_order(trees, &w, path));
    for (int32_t i = 0; i < estimate_count(t); i++) {
        w = weights_of_estimate(t, i);
        ODEON_TRY(check_order(trees, &w, path));
    }
    w = weights_of_interp(t);
    return t->interp_degree > 0 ? check_order(trees, &w, path) : ODEON_OK;
}

odeon_status tableau_orders_find(const odeon_tableau *t, tableau_orders *out)
{
    *out = (tableau_orders){.most = tableau_trees_most(t)};
    tableau_trees *trees = tableau_trees_grow(t, out->most);
    if (trees == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "tableau: no memory for order conditions");
    }
    missed ignored;
    weights w = weights_of_b(t);
    out->b = order_of(trees, &w, &ignored);
    for (int32_t i = 0; i < estimate_count(t); i++) {
        w = weights_of_estimate(t, i);
        out->embedded[i] = order_of(trees, &w, &ignored);
    }
    w = weights_of_interp(t);
    out->interp = t->interp_degree > 0 ? order_of(trees, &w, &ignored) : 0;
    mem_free(trees);
    return ODEON_OK;
}

/* ---- sums that need no trees ---- */

/* The row sums of a table of so many rows and columns. */
static odeon_status check_rows(const char *path, const char *table, const char *list, int32_t rows,
                               int32_t columns, const double *a, const double *c)
{
    for (int32_t i = 0; i < rows; i++) {
        sum x = sum_to(c[i]);
        for (int32_t j = 0; j < columns; j++) {
            sum_add(&x, 1.0, a[i * columns + j], fabs(a[i * columns + j]));
        }
        if (!sum_holds(&x)) {
            return diag_fail(ODEON_ERR_PLUGIN,
                             "%s: tableau: %s[%d] is %.10g, but row %d of %s sums to %.10g (off by "
                             "%.3g): a number is wrong",
                             path, list, (int)i, c[i], (int)i, table, x.value, x.value - c[i]);
        }
    }
    return ODEON_OK;
}

static odeon_status check_all_rows(const odeon_tableau *t, const char *path)
{
    int32_t s = t->stages;
    ODEON_TRY(check_rows(path, "a", "c", s, s, t->a, t->c));
    if (t->a_im != NULL) {
        ODEON_TRY(check_rows(path, "a_im", t->c_im != NULL ? "c_im" : "c", s, s, t->a_im,
                             either(t->c_im, t->c)));
    }
    return check_rows(path, "dense_a", "dense_c", t->dense_stages, s + t->dense_stages, t->dense_a,
                      t->dense_c);
}

/* At x = 1 interp is b for the stages and 0 for dense ones. */
static odeon_status check_end(const odeon_tableau *t, const char *path, const char *name,
                              const double *interp, const double *b)
{
    for (int32_t i = 0; i < t->stages + t->dense_stages && interp != NULL; i++) {
        sum x = sum_to(i < t->stages ? b[i] : 0.0);
        for (int32_t j = 0; j < t->interp_degree; j++) {
            sum_add(&x, 1.0, interp[i * t->interp_degree + j],
                    fabs(interp[i * t->interp_degree + j]));
        }
        if (!sum_holds(&x)) {
            return diag_fail(ODEON_ERR_PLUGIN,
                             "%s: tableau: at the end of the step %s gives stage %d the weight "
                             "%.10g, but b[%d] is %.10g",
                             path, name, (int)i, x.value, (int)i, x.target);
        }
    }
    return ODEON_OK;
}

static odeon_status check_ends(const odeon_tableau *t, const char *path)
{
    ODEON_TRY(check_end(t, path, "interp", t->interp, t->b));
    return t->a_im == NULL ? ODEON_OK
                           : check_end(t, path, t->interp_im != NULL ? "interp_im" : "interp",
                                       either(t->interp_im, t->interp), either(t->b_im, t->b));
}

/* An estimate that is b has the error 0 everywhere, and every step would be accepted. */
static odeon_status check_estimates(const odeon_tableau *t, const char *path)
{
    weights b = weights_of_b(t);
    for (int32_t i = 0; i < estimate_count(t); i++) {
        weights w = weights_of_estimate(t, i);
        bool same = true;
        for (int32_t j = 0; j < t->stages; j++) {
            for (int32_t colour = 0; colour < 2; colour++) {
                sum x = sum_to(b.of[colour][j]);
                sum_add(&x, 1.0, w.of[colour][j], fabs(w.of[colour][j]));
                same = same && sum_holds(&x);
            }
        }
        if (same) {
            return diag_fail(ODEON_ERR_PLUGIN,
                             "%s: tableau: %s is b itself, so that its error estimate is always 0",
                             path, w.name);
        }
    }
    return ODEON_OK;
}

odeon_status tableau_check_order(const odeon_tableau *t, const char *path)
{
    ODEON_TRY(check_all_rows(t, path));
    ODEON_TRY(check_ends(t, path));
    ODEON_TRY(check_estimates(t, path));
    int32_t claimed = highest_claim(t), most = tableau_trees_most(t);
    tableau_trees *trees = tableau_trees_grow(t, claimed < most ? claimed : most);
    odeon_status status =
        trees != NULL ? check_orders(t, trees, path)
                      : diag_fail(ODEON_ERR_NOMEM, "%s: no memory for order conditions", path);
    mem_free(trees);
    return status;
}
