/* host_field.h: a right-hand side f(t, y) as the engine takes it: the ABI's field, and what the ABI
 * leaves to whoever runs it. This is the engine's only view of what it integrates. */
#ifndef ODEON_CORE_SOLVER_HOST_FIELD_H
#define ODEON_CORE_SOLVER_HOST_FIELD_H
#include <stdbool.h>

#include "odeon/field.h"
#include "plugin/tableau.h"

/* All that the field's calls depend on beside their arguments and the contents of device memory, as
 * bytes that only the field's owner can read: where two are equal, a recording of one field's calls
 * serves for the other. Padding must be zero, since they are compared byte by byte. */
enum { FIELD_IDENTITY_BYTES = 648 };
typedef struct field_identity {
    unsigned char bytes[FIELD_IDENTITY_BYTES];
} field_identity;

enum { FIELD_MAX_LOCAL = 2 }; /* parts with values of each sample, of a field in slices */

/* An evaluation of the n samples from `first` on. Vectors are those of the field's local parts,
 * each with the values of these samples alone. */
typedef struct field_slice {
    const odeon_view *t; /* F64 [1] on the device */
    int64_t first, n;
    const char *y[FIELD_MAX_LOCAL];
    char *dy[FIELD_MAX_LOCAL]; /* written */
    /* The derivative of what is summed over samples: the slice with first 0 begins it, the others
     * add to it. NULL: there is nothing. */
    char *sums;
} field_slice;

/* Invariants: abi.self is what abi's calls take; frame_in and frame_out are offsets below
 * frame_bytes, or -1; moves_state implies running.view.data, unless there is no running state. */
typedef struct host_field {
    odeon_field abi;
    field_identity identity;
    int64_t *evals;              /* counts its evaluations */
    bool moves_state;            /* its evaluations update running state: */
    odeon_tensor running;        /* on the device; data NULL where there is none */
    bool is_alone;               /* an evaluation makes no collective call */
    bool is_recordable;          /* identity is complete, so its calls may be captured */
    int64_t frame_bytes;         /* of one evaluation; 0: evaluations cannot be kept */
    int64_t frame_in, frame_out; /* where a frame holds f's argument and value; -1: it does not */
    int64_t samples; /* a part with one value a sample divides into so many; 0: no such parts */
    /* A slice: so many samples that are worth being taken through a whole step before the next; 0:
     * the batch as a whole is, or must be. Then the first n_local parts have values of each sample,
     * and others, all QUADRATURE, are sums over the samples. */
    int64_t slice;
    int32_t n_local;
    odeon_status (*eval_slice)(void *self, const field_slice *call);
    /* Behind the last slice of an evaluation: what is left to do with its sums. NULL: nothing. */
    odeon_status (*finish_sums)(void *self, char *sums);
} host_field;

/* What names the terms ODEON_TERMS_* (stepper.h) of a field in a call of it. Where a method tells
 * them apart, one term is stiff and one is not (terms_fit). */
static inline int32_t field_term(const odeon_field *f, int32_t which)
{
    for (int32_t i = 0; which != ODEON_TERMS_ALL && i < f->n_terms; i++) {
        bool stiff = (f->terms[i].flags & ODEON_TERM_STIFF) != 0;
        if (stiff == (which == ODEON_TERMS_STIFF)) {
            return 1 + i;
        }
    }
    return ODEON_TERM_ALL;
}

/* dy = those terms at (t, y); keep NULL: no vjp will follow. */
static inline odeon_status field_eval_terms(const odeon_field *f, int32_t which,
                                            const odeon_view *t, const odeon_view *y,
                                            const odeon_tensor *dy, odeon_frame *keep)
{
    return f->eval(f->self, &(const odeon_field_eval){.struct_size = sizeof(odeon_field_eval),
                                                      .t = t,
                                                      .y = y,
                                                      .dy = dy,
                                                      .keep = keep,
                                                      .term = field_term(f, which)});
}

/* dy = f(t, y); keep NULL: no vjp will follow. */
static inline odeon_status field_eval(const odeon_field *f, const odeon_view *t,
                                      const odeon_view *y, const odeon_tensor *dy,
                                      odeon_frame *keep)
{
    return field_eval_terms(f, ODEON_TERMS_ALL, t, y, dy, keep);
}

#endif
