#include "plugin/tableau.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/diag.h"
#include "plugin/tableau_order.h"

#define MAX_TABLEAU_STAGES 32
#define MAX_INTERP_DEGREE  32

static bool is_fsal(const odeon_tableau *t)
{
    return (t->flags & ODEON_TABLEAU_FSAL) != 0;
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
                                .n_work = 2 * t->stages};
    return ODEON_OK;
}

/* k_i: under FSAL the first comes from the step before and the last goes to the next. */
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
    return ODEON_HANDLE_WORK + t->stages + i;
}

/* out = [y0 +] h sum over j < n of weights[j] k_j, zeros left out. */
static odeon_status combine(const odeon_tableau *t, const odeon_step *step, int32_t out, bool y0,
                            int32_t n, const double *weights)
{
    odeon_term terms[MAX_TABLEAU_STAGES + 1];
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
    double weights[MAX_TABLEAU_STAGES];
    for (int32_t i = 0; i < t->stages; i++) {
        weights[i] = t->b[i] - t->b_hat[i];
    }
    return combine(t, step, ODEON_HANDLE_ERROR, false, t->stages, weights);
}

const odeon_stepper_ops tableau_stepper_ops = {
    .struct_size = sizeof tableau_stepper_ops,
    .describe = describe,
    .start = start,
    .step = take_step,
};

static bool all_finite(int64_t n, const double *x)
{
    bool finite = true;
    for (int64_t i = 0; i < n && x != NULL; i++) {
        finite = finite && isfinite(x[i]);
    }
    return finite;
}

/* The one of its lists in which a number is not finite, or NULL. */
static const char *not_finite(const odeon_tableau *t)
{
    int64_t s = t->stages;
    return !all_finite(s * s, t->a)                       ? "a number of a is not finite"
           : !all_finite(s, t->b)                         ? "a number of b is not finite"
           : !all_finite(s, t->b_hat)                     ? "a number of b_hat is not finite"
           : !all_finite(s, t->c)                         ? "a number of c is not finite"
           : !all_finite(s * t->interp_degree, t->interp) ? "a number of interp is not finite"
                                                          : NULL;
}

odeon_status tableau_check(const odeon_tableau *t, const char *path)
{
    const char *wrong = NULL;
    if (t->struct_size < sizeof *t || t->a == NULL || t->b == NULL || t->c == NULL) {
        wrong = "a, b or c is missing";
    } else if (t->stages < 1 || t->stages > MAX_TABLEAU_STAGES || t->order < 1) {
        wrong = "stages must be 1 to 32 and order at least 1";
    } else if ((t->embedded_order > 0) != (t->b_hat != NULL)) {
        wrong = "embedded_order and b_hat must come together";
    } else if ((t->interp_degree > 0) != (t->interp != NULL) ||
               t->interp_degree > MAX_INTERP_DEGREE) {
        wrong = "interp_degree, at most 32, and interp must come together";
    } else if ((t->flags & ~ODEON_TABLEAU_FSAL) != 0) {
        wrong = "flag bits that this host does not know";
    } else if (not_finite(t) != NULL) {
        wrong = not_finite(t);
    } else if (is_fsal(t) && (t->stages < 2 || t->c[t->stages - 1] != 1.0)) {
        wrong = "flagged FSAL, but the last stage is not at the end of the step";
    }
    for (int32_t i = 0; i < t->stages && wrong == NULL; i++) {
        for (int32_t j = i; j < t->stages && wrong == NULL; j++) {
            wrong = tableau_a(t, i, j) != 0.0
                        ? "not explicit: a has entries on or above the diagonal"
                        : NULL;
        }
        if (wrong == NULL && is_fsal(t) && tableau_a(t, t->stages - 1, i) != t->b[i]) {
            wrong = "flagged FSAL, but the last row of a is not b";
        }
    }
    return wrong == NULL ? tableau_check_order(t, path)
                         : diag_fail(ODEON_ERR_PLUGIN, "%s: tableau: %s", path, wrong);
}
