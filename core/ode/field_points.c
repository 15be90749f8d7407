#include "ode/field_points.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

void field_points_fini(field_points *p)
{
    mem_free(p->t);
    mem_free(p->y);
    *p = (field_points){.n = 0};
}

/* Room for one evaluation more. */
static odeon_status reserve(field_points *p)
{
    size_t n = (size_t)p->n, size = (size_t)p->size;
    double *t = mem_reserve(p->t, &p->t_room, n + 1, 64, sizeof *t);
    p->t = t != NULL ? t : p->t;
    double *y =
        t != NULL ? mem_reserve(p->y, &p->y_room, (n + 1) * size, 64 * size, sizeof *y) : NULL;
    p->y = y != NULL ? y : p->y;
    return y != NULL ? ODEON_OK
                     : diag_fail(ODEON_ERR_NOMEM, "evaluations of a field: no memory to list them");
}

/* Widens in place, from the last number on: each is read before its memory is written. */
static void widen(double *y, int64_t size)
{
    for (int64_t i = size; i > 0; i--) {
        float narrow;
        memcpy(&narrow, (const char *)y + (i - 1) * (int64_t)sizeof narrow, sizeof narrow);
        y[i - 1] = (double)narrow;
    }
}

odeon_status field_points_add(field_points *p, const odeon_layer_call *call, uint32_t dtype,
                              const odeon_view *t, const void *y, int64_t size)
{
    if ((p->n > 0 && p->size != size) || odeon_count(&t->shape) != 1) {
        return diag_fail(ODEON_ERR_UNSUPPORTED,
                         "evaluations of a field are listed where all samples are solved together");
    }
    p->size = size;
    ODEON_TRY(reserve(p));
    double *to = p->y + p->n * size;
    uint64_t bytes = (uint64_t)(size * odeon_dtype_bytes(dtype));
    ODEON_TRY(call->device->ops->download(call->queue, p->t + p->n, odeon_read(t), sizeof *p->t));
    ODEON_TRY(call->device->ops->download(call->queue, to, y, bytes));
    if (dtype == ODEON_DTYPE_F32) {
        widen(to, size);
    }
    p->n++;
    return ODEON_OK;
}
