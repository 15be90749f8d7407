/* field.h: f(t, y, theta), all that solvers and gradient methods see of a network.
 *
 * The state is one flat vector of n values on each worker, made of named parts laid one after the
 * other; every part says how it counts in norms and whether f depends on it. Draft. */
#ifndef ODEON_FIELD_H
#define ODEON_FIELD_H
#include "odeon/device_solver.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    /* f does not depend on this part: it is only integrated along (theta_bar in an adjoint). Stage
     * inputs then leave it undefined. */
    ODEON_PART_QUADRATURE = 1 << 0,
    ODEON_PART_NO_NORM = 1 << 1, /* left out of error norms (a seminorm) */
    /* One value, equal on all workers: it counts once in a norm. */
    ODEON_PART_SHARED = 1 << 2
};

/* Final. */
typedef struct odeon_part {
    const char *name;  /* "y", "a", "theta" */
    int64_t offset, n; /* in elements, on this worker */
    int64_t n_global;  /* over all workers; a SHARED part counts once */
    int32_t flags, reserved0;
} odeon_part;

/* What one evaluation keeps so that its vjp need not evaluate again. */
typedef struct odeon_frame odeon_frame;

/* Growing. One evaluation: dy = f(t, y). */
typedef struct odeon_field_eval {
    uint32_t struct_size, flags; /* none yet */
    const odeon_view *t;         /* F64 [1] on the device */
    const odeon_view *y;         /* [n] */
    const odeon_tensor *dy;      /* [n], written */
    odeon_frame *keep;           /* NULL: no vjp will follow */
} odeon_field_eval;

/* Growing. The vector-Jacobian product of f at (t, y) with dy_bar. */
typedef struct odeon_field_vjp {
    uint32_t struct_size, flags; /* ODEON_CALL_NO_PARAM_GRAD of layer.h, or 0 */
    const odeon_view *t, *y;
    const odeon_view *dy_bar;  /* [n] */
    const odeon_tensor *y_bar; /* [n], written; NULL: not wanted */
    const odeon_tensor *t_bar; /* F64 [1], added to; NULL: not wanted */
    /* The frame of the evaluation; NULL: f is evaluated again at t, y (the state of layers then
     * stays as it is). */
    odeon_frame *kept;
} odeon_field_vjp;

/* Growing. */
typedef struct odeon_field {
    uint32_t struct_size;
    int32_t n_parts; /* at most ODEON_MAX_PARTS */
    const odeon_part *parts;
    int64_t n; /* elements on this worker: the end of the last part */
    uint32_t dtype, reserved0;
    void *self;
    /* A positive status voids the trial step. [worker; evaluation] */
    odeon_status (*eval)(void *self, const odeon_field_eval *call);
    /* (optional) Also adds the parameters' share to their gradients. NULL: the field cannot be
     * differentiated. [worker; evaluation] */
    odeon_status (*vjp)(void *self, const odeon_field_vjp *call);
} odeon_field;

#ifdef __cplusplus
}
#endif
#endif
