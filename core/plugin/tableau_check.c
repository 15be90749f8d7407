#include "plugin/tableau_check.h"

#include <math.h>
#include <stdbool.h>

#include "base/diag.h"
#include "plugin/tableau_order.h"

/* The implicit table, which is the only one but of a pair. */
static const double *implicit_table(const odeon_tableau *t)
{
    return t->a_im != NULL ? t->a_im : t->a;
}

/* ---- sizes and pointers: what the other checks stand on ---- */

static bool has_im_lists(const odeon_tableau *t)
{
    return t->b_im != NULL || t->c_im != NULL || t->b_hat_im != NULL || t->more_b_hat_im != NULL ||
           t->interp_im != NULL;
}

/* The first thing wrong, or NULL. */
static const char *wrong_estimates(const odeon_tableau *t)
{
    if (t->embedded_order < 0 || (t->embedded_order > 0) != (t->b_hat != NULL)) {
        return "embedded_order, at least 1, and b_hat must come together";
    }
    if (t->n_more_estimates < 0 || t->n_more_estimates > ODEON_TABLEAU_MAX_MORE_ESTIMATES ||
        (t->n_more_estimates > 0) != (t->more_b_hat != NULL) ||
        (t->n_more_estimates > 0) != (t->more_orders != NULL)) {
        return "n_more_estimates, at most 3, more_b_hat and more_orders must come together";
    }
    if (t->n_more_estimates > 0 && t->b_hat == NULL) {
        return "more_b_hat without b_hat";
    }
    for (int32_t i = 0; i < t->n_more_estimates; i++) {
        if (t->more_orders[i] < 1) {
            return "more_orders must be at least 1 each";
        }
    }
    if (t->estimate_rule < ODEON_ESTIMATES_FIRST || t->estimate_rule > ODEON_ESTIMATES_DOP853) {
        return "estimate_rule is none that this host knows";
    }
    if (t->estimate_rule == ODEON_ESTIMATES_DOP853 && t->n_more_estimates != 1) {
        return "estimate_rule ODEON_ESTIMATES_DOP853 joins two estimates, no other number";
    }
    return t->estimate_rule != ODEON_ESTIMATES_FIRST && t->n_more_estimates == 0
               ? "estimate_rule without more_b_hat"
               : NULL;
}

static const char *wrong_dense(const odeon_tableau *t)
{
    bool interp = t->interp_degree > 0;
    if (t->interp_degree < 0 || t->interp_degree > ODEON_TABLEAU_MAX_DEGREE ||
        interp != (t->interp != NULL)) {
        return "interp_degree, at most 32, and interp must come together";
    }
    if (t->interp_order < 0 || (t->interp_order > 0) != interp) {
        return "interp_order, at least 1, and interp must come together";
    }
    if ((t->dense_stages > 0) != (t->dense_a != NULL) ||
        (t->dense_stages > 0) != (t->dense_c != NULL)) {
        return "dense_stages, dense_a and dense_c must come together";
    }
    return t->dense_stages > 0 && !interp ? "dense_stages without interp" : NULL;
}

static const char *wrong_sizes(const odeon_tableau *t)
{
    if (t->a == NULL || t->b == NULL || t->c == NULL) {
        return "a, b or c is missing";
    }
    if (t->stages < 1 || t->dense_stages < 0 || t->stages > ODEON_TABLEAU_MAX_STAGES ||
        t->dense_stages > ODEON_TABLEAU_MAX_STAGES - t->stages) {
        return "stages must be at least 1 and, with dense_stages, at most 64";
    }
    if (t->order < 1) {
        return "order must be at least 1";
    }
    if (t->a_im == NULL && has_im_lists(t)) {
        return "b_im, c_im, b_hat_im, more_b_hat_im or interp_im without a_im";
    }
    if ((t->b_hat_im != NULL && t->b_hat == NULL) ||
        (t->more_b_hat_im != NULL && t->more_b_hat == NULL) ||
        (t->interp_im != NULL && t->interp == NULL)) {
        return "a list of the implicit table without that of the explicit one";
    }
    const char *wrong = wrong_estimates(t);
    return wrong != NULL ? wrong : wrong_dense(t);
}

/* ---- numbers ---- */

static bool all_finite(int64_t n, const double *x)
{
    bool finite = true;
    for (int64_t i = 0; i < n && x != NULL; i++) {
        finite = finite && isfinite(x[i]);
    }
    return finite;
}

/* The list in which a number is not finite, or NULL. */
static const char *not_finite(const odeon_tableau *t)
{
    int64_t s = t->stages, n = s + t->dense_stages;
    const struct {
        const char *name;
        int64_t n;
        const double *x;
    } lists[] = {
        {"a", s * s, t->a},
        {"b", s, t->b},
        {"c", s, t->c},
        {"b_hat", s, t->b_hat},
        {"more_b_hat", s * t->n_more_estimates, t->more_b_hat},
        {"interp", n * t->interp_degree, t->interp},
        {"dense_a", n * t->dense_stages, t->dense_a},
        {"dense_c", t->dense_stages, t->dense_c},
        {"a_im", s * s, t->a_im},
        {"b_im", s, t->b_im},
        {"c_im", s, t->c_im},
        {"b_hat_im", s, t->b_hat_im},
        {"more_b_hat_im", s * t->n_more_estimates, t->more_b_hat_im},
        {"interp_im", n * t->interp_degree, t->interp_im},
        {"filter_gamma", 1, &t->filter_gamma},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (!all_finite(lists[i].n, lists[i].x)) {
            return lists[i].name;
        }
    }
    return NULL;
}

/* Entries of a table of so many rows must be 0 from column `first` + row on. */
static odeon_status check_zeros(const char *path, const char *name, const double *a, int32_t rows,
                                int32_t columns, int32_t first, const char *why)
{
    for (int32_t i = 0; i < rows && a != NULL; i++) {
        for (int32_t j = first + i; j < columns; j++) {
            if (a[i * columns + j] != 0.0) {
                return diag_fail(ODEON_ERR_PLUGIN,
                                 "%s: tableau: %s[%d][%d] is %.10g, but must be 0: %s", path, name,
                                 (int)i, (int)j, a[i * columns + j], why);
            }
        }
    }
    return ODEON_OK;
}

static odeon_status check_triangles(const odeon_tableau *t, const char *path)
{
    static const char later[] = "a stage cannot read a later one (fully implicit methods are none "
                                "of this interface)";
    int32_t s = t->stages;
    if (t->a_im != NULL) {
        ODEON_TRY(check_zeros(path, "a", t->a, s, s, 0,
                              "the first table of a pair with a_im is explicit"));
        ODEON_TRY(check_zeros(path, "a_im", t->a_im, s, s, 1, later));
    }
    ODEON_TRY(check_zeros(path, "a", t->a, s, s, 1, later));
    return check_zeros(path, "dense_a", t->dense_a, t->dense_stages, s + t->dense_stages, s,
                       "dense stages are explicit");
}

/* ---- flags and the filter ---- */

/* Whether one table ends in b at the end of the step. */
static const char *wrong_fsal(int32_t s, const double *a, const double *b, const double *c)
{
    if (s < 2 || c[s - 1] != 1.0) {
        return "flagged FSAL, but the last stage is not at the end of the step";
    }
    for (int32_t j = 0; j < s; j++) {
        if (a[(s - 1) * s + j] != b[j]) {
            return "flagged FSAL, but the last row of a is not b";
        }
    }
    return a[0] != 0.0 ? "flagged FSAL, but the first stage is not at the start of the step" : NULL;
}

static const char *wrong_flags(const odeon_tableau *t)
{
    const char *wrong = ODEON_MUST_UNDERSTAND(t->flags, ODEON_TABLEAU_FSAL) != 0
                            ? "flag bits that this host does not know, but must understand"
                            : NULL;
    if (wrong == NULL && (t->flags & ODEON_TABLEAU_FSAL) != 0) {
        wrong = wrong_fsal(t->stages, t->a, t->b, t->c);
        if (wrong == NULL && t->a_im != NULL) {
            wrong = wrong_fsal(t->stages, t->a_im, t->b_im != NULL ? t->b_im : t->b,
                               t->c_im != NULL ? t->c_im : t->c);
        }
    }
    return wrong;
}

static const char *wrong_filter(const odeon_tableau *t)
{
    if (t->filter_gamma == 0.0) {
        return NULL;
    }
    bool found = false;
    for (int32_t i = 0; i < t->stages; i++) {
        found = found || implicit_table(t)[i * t->stages + i] == t->filter_gamma;
    }
    return !(t->filter_gamma > 0.0) || !found
               ? "filter_gamma must be a diagonal entry of the implicit table, greater than 0"
           : t->b_hat == NULL ? "filter_gamma without b_hat"
                              : NULL;
}

odeon_status tableau_check(const odeon_tableau *t, const char *path)
{
    const char *wrong = wrong_sizes(t);
    if (wrong == NULL && not_finite(t) != NULL) {
        return diag_fail(ODEON_ERR_PLUGIN, "%s: tableau: a number of %s is not finite", path,
                         not_finite(t));
    }
    if (wrong == NULL) {
        wrong = wrong_flags(t);
    }
    if (wrong != NULL) {
        return diag_fail(ODEON_ERR_PLUGIN, "%s: tableau: %s", path, wrong);
    }
    ODEON_TRY(check_triangles(t, path));
    wrong = wrong_filter(t);
    if (wrong != NULL) {
        return diag_fail(ODEON_ERR_PLUGIN, "%s: tableau: %s", path, wrong);
    }
    return tableau_check_order(t, path);
}
