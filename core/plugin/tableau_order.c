#include "plugin/tableau_order.h"

#include <math.h>
#include <stdbool.h>

#include "base/diag.h"
#include "base/mem.h"

enum { MAX_TREES = 200, MAX_STAGES = 32 };

static const double tolerance = 1e-10;

/* phi_i of a single node is 1; of a tree, the product over the subtrees at its root of
 * sum_j a_ij phi_j(subtree). Weights b have order p if sum_i b_i phi_i = 1 / density for all trees
 * of up to p nodes. */
typedef struct tree {
    int32_t order, n_children, child[TABLEAU_ORDER_CHECKED - 1]; /* indices of smaller trees */
    double density;
    double phi[MAX_STAGES];
    double magnitude[MAX_STAGES]; /* phi of the absolute values: what a misfit is measured by */
} tree;

typedef struct forest {
    const odeon_tableau *tableau;
    int32_t n;
    tree tree[MAX_TREES]; /* by order */
} forest;

/* ---- trees ---- */

static void weigh(forest *f, tree *x)
{
    const odeon_tableau *t = f->tableau;
    for (int32_t i = 0; i < t->stages; i++) {
        x->phi[i] = x->magnitude[i] = 1.0;
        for (int32_t k = 0; k < x->n_children; k++) {
            const tree *child = &f->tree[x->child[k]];
            double sum = 0.0, magnitude = 0.0;
            for (int32_t j = 0; j < i; j++) {
                sum += tableau_a(t, i, j) * child->phi[j];
                magnitude += fabs(tableau_a(t, i, j)) * child->magnitude[j];
            }
            x->phi[i] *= sum;
            x->magnitude[i] *= magnitude;
        }
    }
}

/* Adds every tree that partial becomes by further subtrees of `remaining` nodes together, taken in
 * the order of the list, so that each comes once. */
static void extend(forest *f, const tree *partial, int32_t remaining, int32_t from)
{
    if (remaining == 0) {
        f->tree[f->n] = *partial;
        weigh(f, &f->tree[f->n++]);
        return;
    }
    for (int32_t i = from; i < f->n && f->tree[i].order <= remaining; i++) {
        tree larger = *partial;
        larger.child[larger.n_children++] = i;
        larger.density *= f->tree[i].density;
        extend(f, &larger, remaining - f->tree[i].order, i);
    }
}

static forest *grow(const odeon_tableau *t, int32_t order)
{
    forest *f = mem_zalloc(1, sizeof *f);
    for (int32_t nodes = 1; f != NULL && nodes <= order; nodes++) {
        f->tableau = t;
        extend(f, &(tree){.order = nodes, .density = nodes}, nodes - 1, 0);
    }
    return f;
}

/* ---- conditions ---- */

/* sum_i weight_i phi_i - target if it is more than rounding, else 0; of an infinite one NaN. */
static double misfit(const tree *x, int32_t stages, int32_t stride, const double *weight,
                     double target)
{
    double sum = -target, magnitude = fabs(target);
    for (int32_t i = 0; i < stages; i++) {
        sum += weight[i * stride] * x->phi[i];
        magnitude += fabs(weight[i * stride]) * x->magnitude[i];
    }
    return fabs(sum) <= tolerance * magnitude ? 0.0 : sum;
}

/* The order that weights have, of as many as there are trees for, and by how much the first
 * condition that they miss is missed. */
static int32_t order_of(const forest *f, const double *weight, double *missed)
{
    for (int32_t i = 0; i < f->n; i++) {
        *missed = misfit(&f->tree[i], f->tableau->stages, 1, weight, 1.0 / f->tree[i].density);
        if (*missed != 0.0) {
            return f->tree[i].order - 1;
        }
    }
    return f->n > 0 ? f->tree[f->n - 1].order : 0;
}

/* The same of the dense output: sum_i b_i(x) phi_i = x^order / density, as polynomials in x. */
static int32_t interp_order_of(const forest *f)
{
    const odeon_tableau *t = f->tableau;
    for (int32_t i = 0; i < f->n; i++) {
        for (int32_t power = 1; power <= t->interp_degree; power++) {
            double target = power == f->tree[i].order ? 1.0 / f->tree[i].density : 0.0;
            if (misfit(&f->tree[i], t->stages, t->interp_degree, t->interp + power - 1, target) !=
                0.0) {
                return f->tree[i].order - 1;
            }
        }
        if (f->tree[i].order > t->interp_degree) { /* nothing has that power */
            return t->interp_degree;
        }
    }
    return f->n > 0 ? f->tree[f->n - 1].order : 0;
}

int32_t tableau_interp_order(const odeon_tableau *t)
{
    forest *f = t->interp_degree > 0 ? grow(t, TABLEAU_ORDER_CHECKED) : NULL;
    int32_t order = f != NULL ? interp_order_of(f) : 0;
    mem_free(f);
    return order;
}

/* ---- what is claimed ---- */

static odeon_status check_rows(const odeon_tableau *t, const char *path)
{
    for (int32_t i = 0; i < t->stages; i++) {
        double sum = 0.0, magnitude = fabs(t->c[i]);
        for (int32_t j = 0; j < i; j++) {
            sum += tableau_a(t, i, j);
            magnitude += fabs(tableau_a(t, i, j));
        }
        if (!(fabs(sum - t->c[i]) <= tolerance * magnitude)) {
            return diag_fail(ODEON_ERR_PLUGIN,
                             "%s: tableau: c[%d] is %.10g, but row %d of a sums to %.10g: a number "
                             "is wrong",
                             path, (int)i, t->c[i], (int)i, sum);
        }
    }
    return ODEON_OK;
}

static odeon_status check_end(const odeon_tableau *t, const char *path)
{
    for (int32_t i = 0; i < t->stages && t->interp_degree > 0; i++) {
        double sum = 0.0, magnitude = fabs(t->b[i]);
        for (int32_t j = 0; j < t->interp_degree; j++) {
            sum += t->interp[i * t->interp_degree + j];
            magnitude += fabs(t->interp[i * t->interp_degree + j]);
        }
        if (!(fabs(sum - t->b[i]) <= tolerance * magnitude)) {
            return diag_fail(ODEON_ERR_PLUGIN,
                             "%s: tableau: at the end of the step interp gives stage %d the weight "
                             "%.10g, but b[%d] is %.10g",
                             path, (int)i, sum, (int)i, t->b[i]);
        }
    }
    return ODEON_OK;
}

static odeon_status check_weights(const forest *f, const char *path, const char *name,
                                  const double *weight, int32_t claimed)
{
    double missed = 0.0;
    int32_t order = order_of(f, weight, &missed);
    bool right = order >= claimed || (order == TABLEAU_ORDER_CHECKED && claimed > order);
    return right ? ODEON_OK
                 : diag_fail(ODEON_ERR_PLUGIN,
                             "%s: tableau: %s is said to be of order %d, but is of order %d: a "
                             "condition of order %d is off by %.3g",
                             path, name, (int)claimed, (int)order, (int)order + 1, missed);
}

static odeon_status check_all(const forest *f, const char *path)
{
    const odeon_tableau *t = f->tableau;
    ODEON_TRY(check_weights(f, path, "b", t->b, t->order));
    if (t->b_hat != NULL) {
        ODEON_TRY(check_weights(f, path, "b_hat", t->b_hat, t->embedded_order));
    }
    return t->interp_degree == 0 || interp_order_of(f) > 0
               ? ODEON_OK
               : diag_fail(ODEON_ERR_PLUGIN,
                           "%s: tableau: interp does not add up to x within the step: its output "
                           "there is of no order",
                           path);
}

odeon_status tableau_check_order(const odeon_tableau *t, const char *path)
{
    int32_t order = t->order > t->embedded_order ? t->order : t->embedded_order;
    ODEON_TRY(check_rows(t, path));
    ODEON_TRY(check_end(t, path));
    forest *f = grow(t, order < TABLEAU_ORDER_CHECKED ? order : TABLEAU_ORDER_CHECKED);
    odeon_status status =
        f != NULL ? check_all(f, path) : diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
    mem_free(f);
    return status;
}
