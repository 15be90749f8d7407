/* worker.h: one worker of a session: a queue of the device, a network of its own over the model's
 * parameters, and the memory for its slice of a batch. A worker runs on one thread at a time. */
#ifndef ODEON_CORE_SESSION_WORKER_H
#define ODEON_CORE_SESSION_WORKER_H
#include "base/diag.h"
#include "data/batch_fields.h"
#include "data/prefetch.h"
#include "data/staging.h"
#include "net/net.h"
#include "odeon/loss.h"
#include "session/model.h"

/* A quantity that a loss wants (loss.h), and what it is called with in the batch under way. */
typedef struct quantity_use {
    const char *name;      /* the loss's */
    struct odeon_ode *ode; /* whose integral it is, number index; NULL: of worker.made */
    int32_t index, reserved0;
    odeon_view value;
    odeon_tensor d_value;
    odeon_quantity quantity;
} quantity_use;

typedef struct loss_quantities {
    int32_t n, reserved0;
    quantity_use of[ODEON_MAX_QUANTITIES];
    const odeon_quantity *given[ODEON_MAX_QUANTITIES];
} loss_quantities;

enum { MADE_MAX = 16 };

/* Numbers of a sample that layers outside of ODE blocks make (ODEON_LAYER_QUANTITIES), in the order
 * of the layers; each of a batch is a row, at a multiple of 64 bytes. */
typedef struct made_quantities {
    int32_t n, reserved0;
    const net_layer *of[MADE_MAX];
    const char *names[MADE_MAX];
    int64_t samples;
    device_buffer wide, narrow; /* F64 and in the run's dtype: n values, then n cotangents */
    odeon_tensor value[MADE_MAX];
    odeon_view d_value[MADE_MAX];
} made_quantities;

typedef struct worker {
    model *model; /* of all workers */
    int32_t rank, reserved0;
    worker_group group;

    net_site site, data_site;
    odeon_net *data_net; /* the transforms: the [data.*] sections, before net */
    odeon_net *net;

    /* The losses' sums lie one behind the other; loss i's begin at sums_at[i]. */
    size_t n_losses;
    instance *losses[MODEL_MAX_LOSSES];
    instance *optimizers[MODEL_MAX_PHASES], *optimizer; /* optimizer: of model.phase */
    int32_t sums_at[MODEL_MAX_LOSSES], n_sums;
    loss_quantities quantities[MODEL_MAX_LOSSES];
    made_quantities made;
    /* Of the loss that weighs labels (loss.h), number weighing: what each class counts, [classes];
     * NULL: none does. */
    double *label_weights;
    size_t weighing;
    device_buffer d_quantity; /* of one loss, before they are added up */

    /* Device memory: flat vectors, [params.trainable] and [params.state]; */
    device_buffer grads, states;
    device_buffer accumulated;   /* gradient of the parts of a step so far; of train.accumulate */
    device_buffer states_before; /* running state as the batch, or the step of parts, found it */
    device_buffer states_part;   /* as the part of a step found it; of train.accumulate */
    /* and of the slice, in the order in which a batch needs it. */
    device_buffer stored; /* the input before its transforms */
    device_buffer output, d_output, d_output_more, d_input;
    device_buffer frame; /* what the network keeps for its vjp */
    device_buffer wide;  /* float64 on its way to the caller */

    /* What the host reads of a batch (readings.h), on the device and here. */
    device_buffer readings;
    double *read;

    /* The batch's fields by ODEON_ROLE_*: on the device, behind fields, and, of samples given,
     * before their conversion; samples as stored; rows of samples on the device, both sides; times
     * and masks as the host's numbers. Of the host's there are for host_samples. */
    device_buffer field_buffers[DATA_ROLES], raw_buffers[DATA_ROLES];
    staging staging, next; /* next: of the batch to come */
    prefetch *prefetch;    /* of next; NULL until there is one */
    device_buffer rows_buffer;
    int64_t *rows;
    double *numbers[DATA_ROLES];
    int64_t host_samples;
    batch_fields fields;
    double *shared; /* [2 + T]: sums of masks and of labels, times; summed over the workers in
                       shared_buffer */
    device_buffer shared_buffer;

    /* How far the last batch came: samples in fields, samples in output (-1: not so far); whether
     * all workers' gradients were summed, and an update of parameters begun. */
    int64_t n_loaded, n_output;
    bool has_gradient, is_updating;

    odeon_status status; /* of the last job, with its message */
    char message[DIAG_MESSAGE_BYTES];
} worker;

/* What a call of a layer is given by its worker, of no batch in particular. */
odeon_layer_call worker_call(worker *w, uint32_t flags);

/* y += x, on the worker's queue. */
odeon_status worker_add(const worker *w, const odeon_view *x, const odeon_tensor *y);

#endif
