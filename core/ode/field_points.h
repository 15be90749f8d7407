/* field_points.h: where a field was evaluated, solve after solve: what a drawing of it shows. */
#ifndef ODEON_CORE_ODE_FIELD_POINTS_H
#define ODEON_CORE_ODE_FIELD_POINTS_H
#include "odeon/layer.h"

/* Starts as {0}. Invariant: the state has the same size in all evaluations. */
typedef struct field_points {
    int64_t n;    /* evaluations */
    int64_t size; /* numbers of a state, all samples of it one after the other */
    size_t t_room, y_room;
    double *t; /* [n] */
    double *y; /* [n, size] */
} field_points;

/* Adds the time [1] and the first `size` numbers of y, which are of dtype and on the call's device.
 * Waits for the device. ODEON_ERR_NOMEM; ODEON_ERR_UNSUPPORTED where the size is another one, or
 * each sample has its own time. */
odeon_status field_points_add(field_points *p, const odeon_layer_call *call, uint32_t dtype,
                              const odeon_view *t, const void *y, int64_t size);
void field_points_fini(field_points *p);

#endif
