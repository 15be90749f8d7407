/* field.h: f(t, y, theta), all that solvers and gradient methods see of a network.
 *
 * The state is one flat vector of n values on each worker, made of named parts laid one after the
 * other; every part says how it counts in norms and whether f depends on it. Draft. */
#ifndef ODEON_FIELD_H
#define ODEON_FIELD_H
#include "odeon/device.h"

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

typedef struct odeon_part {
    const char *name;  /* "y", "a", "theta" */
    int64_t offset, n; /* in elements, on this worker */
    int64_t n_global;  /* over all workers; a SHARED part counts once */
    int32_t flags, reserved0;
} odeon_part;

/* What one evaluation keeps so that its vjp need not evaluate again. */
typedef struct odeon_frame odeon_frame;

typedef struct odeon_field {
    uint32_t struct_size;
    int32_t n_parts; /* at most ODEON_MAX_PARTS */
    const odeon_part *parts;
    int64_t n; /* elements on this worker: the end of the last part */
    int32_t dtype, reserved0;
    void *self;
    /* dy = f(t, y). t F64 [1] on the device; y, dy [n]. keep NULL: no vjp will follow.
     * A positive status voids the trial step. [worker] */
    odeon_status (*eval)(void *self, const odeon_tensor *t, const odeon_tensor *y,
                         const odeon_tensor *dy, odeon_frame *keep);
    /* The vector-Jacobian product at (t, y) with dy_bar [n]: writes y_bar [n], adds to t_bar F64
     * [1] (NULL: not wanted), adds the parameters' share to their gradients. kept is the frame of
     * the evaluation; NULL: f is evaluated again at t, y (the state of layers then stays as it is).
     * NULL slot: the field cannot be differentiated. */
    odeon_status (*vjp)(void *self, const odeon_tensor *t, const odeon_tensor *y, odeon_frame *kept,
                        const odeon_tensor *dy_bar, const odeon_tensor *y_bar,
                        const odeon_tensor *t_bar);
} odeon_field;

#ifdef __cplusplus
}
#endif
#endif
