/* adjoint_field.h: the continuous adjoint of a block's field. */
#ifndef ODEON_CORE_ODE_ADJOINT_FIELD_H
#define ODEON_CORE_ODE_ADJOINT_FIELD_H
#include "ode/field.h"

/* The field of (y, a, theta_bar), perhaps with t_bar behind a; y and a without integrals along the
 * path, whose cotangents are the losses' throughout. Evaluations go through base;
 * gradients into the state. vectors is set before a fit. Invariants, after a fit: parts lie in the
 * state in order and without overlap; base is fitted to the same samples; it must not be copied. */
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
    device_buffer state, cotangent; /* the augmented state [n]; -a, of a slice or of all */
    device_buffer time_bar;         /* F64 [1] */
    int64_t used_bytes;             /* of state and cotangent, by the last fit */
    int64_t vectors;                /* that a step of its solves holds at once; 0: not known */
    field_slices slices;
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
