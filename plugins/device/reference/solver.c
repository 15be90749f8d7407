#include "reference.h"

#include <math.h>

#include "../common/step_control.h"

odeon_status reference_slots_write(odeon_queue *queue, double *slots, int32_t first, int32_t n,
                                   const double *values)
{
    (void)queue;
    for (int32_t i = 0; i < n; i++) {
        slots[first + i] = values[i];
    }
    return ODEON_OK;
}

odeon_status reference_stage_times(odeon_queue *queue, int32_t n, const double *c, double *slots)
{
    (void)queue;
    stage_times(n, c, slots);
    return ODEON_OK;
}

/* All operands have the model's dtype and count. */
static odeon_status expect_terms(odeon_queue *queue, const odeon_tensor *model, int32_t n,
                                 const odeon_tensor *const *x)
{
    ODEON_TRY(reference_expect_true(queue, n >= 0 && n <= ODEON_MAX_STAGES,
                                    "more terms than ODEON_MAX_STAGES"));
    for (int32_t i = 0; i < n; i++) {
        ODEON_TRY(reference_expect_like(queue, "lincomb, error_sum: x", x[i], model));
    }
    return ODEON_OK;
}

/* Element e of sum over i of coefficient[i] x[i]. */
static double combine(int64_t e, int32_t n, const odeon_tensor *const *x,
                      const odeon_scalar *coefficient, const double *slots)
{
    double sum = 0.0;
    for (int32_t i = 0; i < n; i++) {
        sum += scalar_value(coefficient[i], slots) * load(x[i], e);
    }
    return sum;
}

/* base or NULL, x[n] -> y, all of one count; y may be base or an x, as elements are independent. */
odeon_status reference_lincomb(odeon_queue *queue, const odeon_tensor *y, const odeon_tensor *base,
                               int32_t n, const odeon_tensor *const *x,
                               const odeon_scalar *coefficient, const double *slots)
{
    ODEON_TRY(reference_expect_real(queue, "lincomb: y", y, 0));
    ODEON_TRY(expect_terms(queue, y, n, x));
    if (base != NULL) {
        ODEON_TRY(reference_expect_like(queue, "lincomb: base", base, y));
    }
    for (int64_t e = 0; e < odeon_count(y); e++) {
        double sum = combine(e, n, x, coefficient, slots);
        store(y, e, base == NULL ? sum : load(base, e) + sum);
    }
    return ODEON_OK;
}

/* y0, y1, x[n] of one count -> slots[slot]. The part's sum is reduced over workers before
 * step_control takes the root. */
odeon_status reference_error_sum(odeon_queue *queue, const odeon_control *control,
                                 const odeon_tensor *y0, const odeon_tensor *y1, int32_t n,
                                 const odeon_tensor *const *x, const odeon_scalar *coefficient,
                                 double *slots, int32_t slot)
{
    ODEON_TRY(reference_expect_real(queue, "error_sum: y0", y0, 0));
    ODEON_TRY(reference_expect_like(queue, "error_sum: y1", y1, y0));
    ODEON_TRY(expect_terms(queue, y0, n, x));
    double sum = 0.0;
    for (int64_t e = 0; e < odeon_count(y0); e++) {
        double size = larger(fabs(load(y0, e)), fabs(load(y1, e)));
        double scale = control->n_each > 0 ? control->atol_each[e % control->n_each] +
                                                 control->rtol_each[e % control->n_each] * size
                                           : control->atol + control->rtol * size;
        double error = combine(e, n, x, coefficient, slots) / scale;
        sum = control->norm == ODEON_NORM_MAX ? larger(sum, fabs(error)) : sum + error * error;
    }
    slots[slot] = sum;
    return ODEON_OK;
}

/* a, b of one count -> slots[slot] = sum of a b. */
odeon_status reference_dot(odeon_queue *queue, const odeon_tensor *a, const odeon_tensor *b,
                           double *slots, int32_t slot)
{
    ODEON_TRY(reference_expect_real(queue, "dot: a", a, 0));
    ODEON_TRY(reference_expect_like(queue, "dot: b", b, a));
    double sum = 0.0;
    for (int64_t e = 0; e < odeon_count(a); e++) {
        sum += load(a, e) * load(b, e);
    }
    slots[slot] = sum;
    return ODEON_OK;
}

odeon_status reference_step_control(odeon_queue *queue, const odeon_control *control, double *slots)
{
    (void)queue;
    step_judge(control, slots);
    return ODEON_OK;
}

odeon_status reference_step_start(odeon_queue *queue, const odeon_control *control, int32_t phase,
                                  double *slots)
{
    (void)queue;
    step_start(control, phase, slots);
    return ODEON_OK;
}

odeon_status reference_step_back(odeon_queue *queue, double *slots)
{
    (void)queue;
    step_back(slots);
    return ODEON_OK;
}
