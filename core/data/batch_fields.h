/* batch_fields.h: what a batch has beside the network's input: labels, times, masks, controls. The
 * `host` of every layer's call points to it. */
#ifndef ODEON_CORE_DATA_BATCH_FIELDS_H
#define ODEON_CORE_DATA_BATCH_FIELDS_H
#include "data/data.h"
#include "odeon/layer.h"

typedef struct batch_fields {
    /* By ODEON_ROLE_*, of this slice and on the device: the input as the model takes it, labels I64
     * [n] for classes, times F64, all else in the run's dtype. data NULL: the batch has none. */
    odeon_tensor of[DATA_ROLES];
    /* Of the whole batch, the same on all workers: elements of the label that count, a mask's being
     * weights; samples; the first sample's times [T], or NULL. */
    double counted;
    /* The same where each element counts as much as the loss that weighs labels says; counted where
     * there is none. */
    double labels_counted;
    int64_t samples;
    const double *times;
    const double *own_times; /* of this slice's samples [n, T], on the host; with times, or NULL */
    int64_t deviant; /* first sample of this slice, counted in the batch, with other times; -1 */
} batch_fields;

/* odeon_layer_call's batch_field. */
const odeon_view *batch_field(const odeon_layer_call *call, int32_t role);

/* The times [T] that all samples of the batch have in common, the same bits on all workers; path is
 * for messages. ODEON_ERR_CONFIG if there are none, ODEON_ERR_DATA if samples differ. */
odeon_status batch_times(const odeon_layer_call *call, const char *path, const double **times);
/* For whoever can do with samples that differ: their own [n, T] of the slice, beside those of the
 * batch's first. ODEON_ERR_CONFIG if there are none. */
odeon_status batch_own_times(const odeon_layer_call *call, const char *path, const double **times,
                             const double **own);

#endif
