/* field.h: the field of one ODE block: f(t, y) = body(t, y). */
#ifndef ODEON_CORE_ODE_FIELD_H
#define ODEON_CORE_ODE_FIELD_H
#include "device/buffer.h"
#include "net/net.h"
#include "ode/field_points.h"
#include "ode/quadrature.h"
#include "ode/slices.h"
#include "ode/tangent.h"
#include "ode/terms.h"
#include "odeon/device_solver.h"
#include "odeon/gradient.h"
#include "solver/host_field.h"
#include "solver/solver.h"
#include "solver/workspace.h"

/* f(t, y): the body of a block and what its section `stiff` adds, on this worker's slice.
 * terms.stiff and vectors are set before the first fit. Invariants, after a fit: host.abi.self is
 * the field itself, so that it must not be copied; work has room for one frame, of all samples or,
 * where slices.rows is not 0, of one slice. */
typedef struct block_field {
    host_field host;
    odeon_part parts[1 + ODEON_MAX_INTEGRALS]; /* y, then the integrals along the path */
    quadrature *integrals;                     /* the block's; NULL: it has none */
    const net_plan *plan; /* of the body; with slices it has no memory to be run in */
    int64_t vectors;      /* that a step of its solves holds at once; 0: not known */
    int64_t
        most_rows; /* samples that its layers are called with at once; 0: as many as are worth it */
    field_slices slices;
    slices_frame frame; /* of an evaluation, with slices */
    field_terms terms;
    odeon_layer_call call; /* of the layer; t and slots are set per evaluation */
    odeon_frame work;      /* for evaluations that are repeated */
    device_buffer work_buffer;
    int64_t work_bytes;    /* of it that the last fit asked for */
    field_tangent tangent; /* of jvp, and of vjp on duals */
    int64_t evals;         /* since it was last set to 0 */
    field_points *points;  /* where evaluations are listed; NULL: nowhere */
} block_field;

/* Fits the field to a body, a call and the shape of y. integrals is NULL or fitted to the same y.
 */
odeon_status block_field_fit(block_field *f, odeon_net *body, const odeon_layer_call *call,
                             const odeon_shape *state, quadrature *integrals);
void block_field_fini(block_field *f, const odeon_device *device);

/* ---- for its continuous adjoint (adjoint_field.h) ---- */

/* dy = f(t, y) as eval has it, without integrals along the path. */
odeon_status block_field_body(block_field *f, const odeon_field_eval *eval);
/* f's vjp, of y alone: cotangents of integrals are read, and y_bar has no part of theirs. */
odeon_status block_field_body_vjp(block_field *f, const odeon_field_vjp *vjp);
/* Bytes of y of one sample. */
int64_t block_field_sample_bytes(const block_field *f);
/* Room in work for a frame of so many bytes. May allocate. */
odeon_status block_field_fit_work(block_field *f, int64_t bytes);
/* The identity of a field whose calls are f's with these flags (ODEON_AUGMENT_*). */
void block_field_identify(const block_field *f, int32_t augment, field_identity *out);

#endif
