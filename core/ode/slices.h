/* slices.h: how many samples of a batch a step takes at a time, where they do not see each other:
 * so many that what a step reads and writes of them fits the cache that the device names
 * (ODEON_DEVICE_SLICES). */
#ifndef ODEON_CORE_ODE_SLICES_H
#define ODEON_CORE_ODE_SLICES_H
#include "data/batch_fields.h"
#include "net/net.h"

/* What a solve holds at a time of every sample. */
typedef struct slice_load {
    int64_t samples;
    bool alike;                    /* every worker has as many */
    int64_t vectors, vector_bytes; /* of the state, in a step */
    int64_t eval_bytes;            /* in an evaluation */
    int64_t weight_bytes;          /* that all samples share */
} slice_load;

/* How the frame of an evaluation of all samples is laid out: the body's input and output, whole, as
 * far as its plan keeps them, then the inner frame of each slice. */
typedef struct slices_frame {
    int64_t in_at, out_at;    /* -1: not kept */
    int64_t slices_at, bytes; /* bytes: of all */
} slices_frame;

/* Plans of one body. Invariant, with rows above 0: plan is of rows samples, last of those that the
 * last slice has. */
typedef struct field_slices {
    int64_t rows; /* of all slices but the last; 0: batches are taken whole */
    const net_plan *plan, *last;
} field_slices;

/* From the shapes and the device alone. 0: all samples at once; also where workers have different
 * numbers of samples: all of them must come to one answer, since a step that is made again may be
 * collective. Where weights would take more than half of the cache, slices hold 16 times as much as
 * they: no faster, but with less memory. Sums over samples are rounded slice by slice. */
int64_t slices_rows(const odeon_device *device, const slice_load *load);
bool slices_alike(const odeon_layer_call *call);
/* Can a body be evaluated slice by slice? whole: its plan for all samples. */
bool slices_suit(const odeon_layer_call *call, const net_plan *whole);
/* Bytes of one sample that an evaluation by this plan works on. */
int64_t slices_eval_bytes(const net_plan *whole);
int64_t slices_weight_bytes(const odeon_net *body);
/* The plans for slices of so many rows. May allocate. */
odeon_status slices_fit(field_slices *x, odeon_net *body, const net_plan *whole, int64_t rows);

slices_frame slices_lay_out_frame(const field_slices *x, const net_plan *whole);

const net_plan *slices_plan(const field_slices *x, int64_t n);
/* The surroundings of a call for the n samples from `first` on; fields is room for theirs. */
odeon_layer_call slices_call(const odeon_layer_call *whole, int64_t first, int64_t n,
                             batch_fields *fields);

#endif
