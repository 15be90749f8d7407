/* field.h: the fields of one ODE block: f(t, y) = body(t, y), and its continuous adjoint. */
#ifndef ODEON_CORE_ODE_FIELD_H
#define ODEON_CORE_ODE_FIELD_H
#include "device/buffer.h"
#include "net/net.h"
#include "ode/quadrature.h"
#include "ode/tangent.h"
#include "ode/terms.h"
#include "odeon/device_solver.h"
#include "odeon/gradient.h"
#include "solver/host_field.h"
#include "solver/solver.h"
#include "solver/workspace.h"

/* f(t, y): the body of a block and what its section `stiff` adds, on this worker's slice.
 * terms.stiff is set before the first fit. Invariants, after a fit: host.abi.self is the field
 * itself, so that it must not be copied; work has room for one frame. */
typedef struct block_field {
    host_field host;
    odeon_part parts[1 + ODEON_MAX_INTEGRALS]; /* y, then the integrals along the path */
    quadrature *integrals;                     /* the block's; NULL: it has none */
    const net_plan *plan;                      /* of the body */
    field_terms terms;
    odeon_layer_call call; /* of the layer; t and slots are set per evaluation */
    odeon_frame work;      /* for evaluations that are repeated */
    device_buffer work_buffer;
    field_tangent tangent; /* of jvp, and of vjp on duals */
    int64_t evals;         /* since it was last set to 0 */
} block_field;

/* Fits the field to a body, a call and the shape of y. integrals is NULL or fitted to the same y.
 */
odeon_status block_field_fit(block_field *f, odeon_net *body, const odeon_layer_call *call,
                             const odeon_shape *state, quadrature *integrals);
void block_field_fini(block_field *f, const odeon_device *device);

/* The field of (y, a, theta_bar), perhaps with t_bar behind a; y and a without integrals along the
 * path, whose cotangents are the losses' throughout. Evaluations go through base;
 * gradients into the state. Invariants, after a fit: parts lie in the state in order and without
 * overlap; base is fitted to the same samples; it must not be copied. */
typedef struct adjoint_field {
    host_field host;
    odeon_part parts[ODEON_MAX_PARTS]; /* (y), a, (t_bar), theta_bar: whole, or a part a tensor */
    int32_t flags;                     /* ODEON_AUGMENT_* */
    int32_t part_a;                    /* the index of a: 1, or 0 where there is no y */
    const solver *path;                /* y is read off its last solve; NULL: it is a part */
    device_buffer along;               /* that y */
    block_field *base;
    odeon_net *body;
    int64_t theta_begin, theta_end; /* range of the flat parameter vector */
    int64_t theta_offset;           /* where it starts in the state */
    device_buffer state, cotangent; /* the augmented state [n]; -a */
    device_buffer time_bar;         /* F64 [1] */
    int64_t used_bytes;             /* of state and cotangent, by the last fit */
} adjoint_field;

/* With path y is read off the dense output of its last solve, on the host's time, so that such a
 * field's calls are never recorded. What flags (ODEON_AUGMENT_*) count in norms is kept equal on
 * all workers, by a collective in every evaluation; else each worker integrates its own summand of
 * theta_bar, and no norm sees it.
 */
odeon_status adjoint_field_fit(adjoint_field *f, block_field *base, odeon_net *body, int32_t flags,
                               const solver *path);
/* The part of the parameter vector that the state holds, from its element `offset` on. */
odeon_view adjoint_field_theta(const adjoint_field *f, const odeon_view *state);
void adjoint_field_fini(adjoint_field *f, const odeon_device *device);

#endif
