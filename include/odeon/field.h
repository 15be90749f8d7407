/* field.h: f(t, y, theta), all that solvers and gradient methods see of a network.
 *
 * The state is one flat vector of n values on each worker, made of named parts laid one after the
 * other; every part says how it counts in norms and whether f depends on it. A part is [rows,
 * width] where a row is a sample, so that a method may know that the Jacobian is made of blocks,
 * one a row, unless the field is COUPLED.
 *
 * TERMS. f may be a sum whose terms a method treats differently (an additive method, some of them
 * implicitly). A field without terms has one, of no name.
 *
 * QUADRATURE parts are integrals along the path: f does not depend on them.
 *
 * Example: odeon_field_eval call = {.struct_size = sizeof call, .t = &t, .y = &y, .dy = &dy};
 *          ODEON_TRY(field->eval(field->self, &call));
 *
 * Draft. To be seen before it is frozen: fields with mass matrices, events and noise. */
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
    int64_t rows;      /* of which each has n / rows elements: the samples, or 1; of none, 0 */
    int64_t n_global;  /* over all workers; a SHARED part counts once */
    int32_t flags, reserved0;
} odeon_part;

enum {
    ODEON_TERM_STIFF = 1 << 0, /* an additive method treats it implicitly */
    ODEON_TERM_LINEAR = 1 << 1 /* affine in y */
};

/* Final. One summand of f. */
typedef struct odeon_field_term {
    const char *name; /* of its section in the INI */
    uint32_t flags, reserved0;
} odeon_field_term;

/* Properties of a field. */
enum {
    ODEON_FIELD_AUTONOMOUS = 1 << 0, /* f does not read t */
    ODEON_FIELD_LINEAR = 1 << 1,     /* f is affine in y */
    ODEON_FIELD_COUPLED = 1 << 2     /* rows see each other, over the workers, too: all of these
                                        make the same calls */
};

#define ODEON_TERM_ALL 0 /* of a call: the sum of all terms; else 1 + the index of a term */

/* What one evaluation keeps so that its vjp need not evaluate again. */
typedef struct odeon_frame odeon_frame;

/* Growing. One evaluation: dy = f(t, y). */
typedef struct odeon_field_eval {
    uint32_t struct_size, flags; /* none yet */
    const odeon_view *t;         /* F64 [1] on the device */
    const odeon_view *y;         /* [n] */
    const odeon_tensor *dy;      /* [n], written */
    odeon_frame *keep;           /* NULL: no vjp will follow */
    int32_t term, reserved0;     /* ODEON_TERM_ALL, or 1 + its index */
} odeon_field_eval;

/* Growing. The Jacobian-vector product of f at (t, y), parameters being constant:
 * dy_dot = df/dt t_dot + df/dy y_dot. */
typedef struct odeon_field_jvp {
    uint32_t struct_size, flags;     /* none yet */
    const odeon_view *t, *y;         /* as of eval */
    const odeon_view *t_dot, *y_dot; /* F64 [1], [n]; NULL: 0 */
    const odeon_tensor *dy, *dy_dot; /* [n], written; dy NULL: not wanted */
    int32_t term, reserved0;         /* ODEON_TERM_ALL, or 1 + its index */
} odeon_field_jvp;

/* Growing. The vector-Jacobian product of f at (t, y) with dy_bar.
 *
 * ON DUALS. With y_dot, t_dot or dy_bar_dot the call is differentiated along them: y_bar_dot and
 * t_bar_dot are the derivatives of y_bar and t_bar, and the parameters get the derivative of their
 * share in place of the share itself. In other words it is the vjp of jvp: of s = <dy_bar, dy_dot>
 * + <dy_bar_dot, dy>, y_bar_dot, t_bar_dot and the parameters' share are the gradients by y, t and
 * theta, y_bar and t_bar those by y_dot and t_dot. A field does this where it has jvp; it takes no
 * frame then (kept is NULL). */
typedef struct odeon_field_vjp {
    uint32_t struct_size, flags; /* ODEON_CALL_NO_PARAM_GRAD of layer.h, or 0 */
    const odeon_view *t, *y;
    const odeon_view *dy_bar;  /* [n] */
    const odeon_tensor *y_bar; /* [n], written; NULL: not wanted */
    const odeon_tensor *t_bar; /* F64 [1], added to; NULL: not wanted */
    /* The frame of the evaluation; NULL: f is evaluated again at t, y (the state of layers then
     * stays as it is). */
    odeon_frame *kept;
    int32_t term, reserved0; /* ODEON_TERM_ALL, or 1 + its index */
    /* On duals; NULL: 0. */
    const odeon_view *y_dot, *t_dot, *dy_bar_dot; /* [n], F64 [1], [n] */
    const odeon_tensor *y_bar_dot;                /* [n], written; NULL: not wanted */
    const odeon_tensor *t_bar_dot;                /* F64 [1], added to; NULL: not wanted */
} odeon_field_vjp;

/* Growing. */
typedef struct odeon_field {
    uint32_t struct_size;
    int32_t n_parts; /* at most ODEON_MAX_PARTS */
    const odeon_part *parts;
    int64_t n;             /* elements on this worker: the end of the last part */
    uint32_t dtype, flags; /* ODEON_FIELD_* */
    void *self;
    /* A positive status voids the trial step. [worker; evaluation] */
    odeon_status (*eval)(void *self, const odeon_field_eval *call);
    /* (optional) Also adds the parameters' share to their gradients. NULL: the field cannot be
     * differentiated. [worker; evaluation] */
    odeon_status (*vjp)(void *self, const odeon_field_vjp *call);
    const odeon_field_term *terms; /* [n_terms]; NULL: one, of no name */
    int32_t n_terms, reserved0;
    /* (optional) NULL: the run's device is not `dual` (device_dual.h). [worker; evaluation] */
    odeon_status (*jvp)(void *self, const odeon_field_jvp *call);
} odeon_field;

#ifdef __cplusplus
}
#endif
#endif
