#include <string.h>

#include "../common/step_control.h"
#include "cpu.h"

/* Begins an operator on slots, which are double whatever the dtype of the state. */
static odeon_status begin_scalars(odeon_queue *queue, const char *name)
{
    const cpu_kernels *k;
    return cpu_begin(queue, name, ODEON_DTYPE_F64, &k);
}

odeon_status cpu_slots_write(odeon_queue *queue, double *slots, int32_t first, int32_t n,
                             const double *values)
{
    ODEON_TRY(begin_scalars(queue, "slots_write"));
    ODEON_TRY(cpu_require(queue, first >= 0 && n >= 0 && first + n <= ODEON_SLOTS, "slots_write",
                          "within the control block"));
    if (n > 0) {
        memcpy(slots + first, values, (size_t)n * sizeof *values);
    }
    return ODEON_OK;
}

odeon_status cpu_stage_times(odeon_queue *queue, int32_t n, const double *c, double *slots)
{
    ODEON_TRY(begin_scalars(queue, "stage_times"));
    ODEON_TRY(cpu_require(queue, n >= 0 && n <= ODEON_MAX_STAGES, "stage_times",
                          "at most ODEON_MAX_STAGES"));
    stage_times(n, c, slots);
    return ODEON_OK;
}

odeon_status cpu_step_control(odeon_queue *queue, const odeon_control *control, double *slots)
{
    ODEON_TRY(begin_scalars(queue, "step_control"));
    step_judge(control, slots);
    return ODEON_OK;
}

odeon_status cpu_step_start(odeon_queue *queue, const odeon_control *control, int32_t phase,
                            double *slots)
{
    ODEON_TRY(begin_scalars(queue, "step_start"));
    step_start(control, phase, slots);
    return ODEON_OK;
}

odeon_status cpu_step_back(odeon_queue *queue, double *slots)
{
    ODEON_TRY(begin_scalars(queue, "step_back"));
    step_back(slots);
    return ODEON_OK;
}

/* Operands and coefficients of a linear combination in the form that the kernels take. */
typedef struct terms {
    const void *x[ODEON_MAX_STAGES];
    double c[ODEON_MAX_STAGES];
} terms;

/* Checks the operands and evaluates the coefficients, which may refer to slots. */
static odeon_status gather(odeon_queue *queue, const char *name, const odeon_tensor *like,
                           int32_t n, const odeon_tensor *const *x, const odeon_scalar *coefficient,
                           const double *slots, terms *out)
{
    ODEON_TRY(
        cpu_require(queue, n >= 0 && n <= ODEON_MAX_STAGES, name, "at most ODEON_MAX_STAGES"));
    for (int32_t i = 0; i < n; i++) {
        ODEON_TRY(cpu_require(queue, cpu_alike(like, x[i]), name, "of one dtype and count"));
        out->x[i] = x[i]->data;
        out->c[i] = scalar_value(coefficient[i], slots);
    }
    return ODEON_OK;
}

/* base or NULL, x[n] -> y, all of one count. */
odeon_status cpu_lincomb(odeon_queue *queue, const odeon_tensor *y, const odeon_tensor *base,
                         int32_t n, const odeon_tensor *const *x, const odeon_scalar *coefficient,
                         const double *slots)
{
    const cpu_kernels *k;
    terms t;
    ODEON_TRY(cpu_begin(queue, "lincomb", y->dtype, &k));
    ODEON_TRY(cpu_require(queue, base == NULL || cpu_alike(y, base), "lincomb",
                          "of one dtype and count"));
    ODEON_TRY(gather(queue, "lincomb", y, n, x, coefficient, slots, &t));
    k->lincomb(odeon_count(y), y->data, base != NULL ? base->data : NULL, n, t.x, t.c);
    return ODEON_OK;
}

/* y0, y1, x[n] of one count -> slots[slot]. */
odeon_status cpu_error_sum(odeon_queue *queue, const odeon_control *control, const odeon_tensor *y0,
                           const odeon_tensor *y1, int32_t n, const odeon_tensor *const *x,
                           const odeon_scalar *coefficient, double *slots, int32_t slot)
{
    const cpu_kernels *k;
    terms t;
    ODEON_TRY(cpu_begin(queue, "error_sum", y0->dtype, &k));
    ODEON_TRY(cpu_require(queue, cpu_alike(y0, y1), "error_sum", "of one dtype and count"));
    ODEON_TRY(gather(queue, "error_sum", y0, n, x, coefficient, slots, &t));
    slots[slot] = k->error_sum(odeon_count(y0), control, y0->data, y1->data, n, t.x, t.c);
    return ODEON_OK;
}

/* a, b of one count -> slots[slot]. */
odeon_status cpu_dot(odeon_queue *queue, const odeon_tensor *a, const odeon_tensor *b,
                     double *slots, int32_t slot)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "dot", a->dtype, &k));
    ODEON_TRY(cpu_require(queue, cpu_alike(a, b), "dot", "of one dtype and count"));
    slots[slot] = k->dot(odeon_count(a), a->data, b->data);
    return ODEON_OK;
}
