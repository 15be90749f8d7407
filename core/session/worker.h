/* worker.h: one worker of a session: its network, memory and part in a batch. */
#ifndef ODEON_CORE_SESSION_WORKER_H
#define ODEON_CORE_SESSION_WORKER_H
#include "base/diag.h"
#include "data/batch_fields.h"
#include "data/device_cache.h"
#include "data/prefetch.h"
#include "data/staging.h"
#include "device/buffer.h"
#include "net/net.h"
#include "odeon/loss.h"
#include "odeon/optimizer.h"
#include "session/session.h"
#include "session/threads.h"

enum { WORKER_MAX_LOSSES = 4 };

typedef struct worker {
    session *session;
    int32_t rank, reserved0;
    net_site site, data_site;
    worker_group group;
    odeon_net *net;
    odeon_net *data_net; /* what the data goes through before net: the [data.*] sections */
    size_t n_losses;
    instance *losses[WORKER_MAX_LOSSES], *optimizer;
    int32_t sums_at[WORKER_MAX_LOSSES], n_sums; /* where a loss's sums lie among those of all */
    device_buffer grads, states;
    device_buffer states_before; /* running state as the batch found it */
    device_buffer stored, output, d_output, d_output_more, d_input, frame, wide, shared_buffer;
    device_buffer readings; /* worker_readings.c */
    double *read;           /* the host's copy of them */
    /* The batch's fields by ODEON_ROLE_*: on the device, behind fields, and, of samples given,
     * before their conversion; samples as stored; where samples stand that lie on the device, both
     * sides; times and masks as the host's numbers. Of the host's there are for host_samples. */
    device_buffer field_buffers[DATA_ROLES], raw_buffers[DATA_ROLES];
    staging staging, next; /* next: of the batch to come */
    prefetch *prefetch;    /* of next; NULL until there is one */
    device_buffer rows_buffer;
    int64_t *rows;
    double *numbers[DATA_ROLES];
    int64_t host_samples;
    batch_fields fields;
    double *shared; /* [1 + T]: what the workers tell each other of masks and times */
    /* How far the last batch came: samples in fields, samples in output; whether all
     * workers' gradients were put together, and an update of parameters begun. */
    int64_t n_loaded, n_output;
    bool has_gradient, is_updating;
    odeon_status status; /* of the last job, with its message */
    char message[DIAG_MESSAGE_BYTES];
} worker;

typedef struct session_set session_set;

typedef struct session_expected {
    const data_source *source; /* NULL: nothing */
    int64_t n;
    const int64_t *indices;
} session_expected;

struct session {
    const config *config;
    data_fields fields;
    bool is_flow;        /* made by session_create_flow */
    bool is_shapes_only; /* made by session_create_shapes */
    instance *device_instance;
    instance *schedule;   /* NULL: none */
    kernel_list *kernels; /* NULL: layers do without */
    odeon_device device;
    char *device_text;
    params params;
    params data_params; /* of the transforms: none */
    device_buffer values;
    device_buffer moments[ODEON_MAX_MOMENTS];
    int32_t n_moments, n_metrics;
    const char *metric_names[ODEON_MAX_METRICS];
    int32_t metric_at[ODEON_MAX_METRICS]; /* among the sums of all losses */
    char *loss_names[WORKER_MAX_LOSSES];  /* of several losses: "loss_ID" */
    int32_t n_workers;
    int32_t n_planned; /* of shapes alone: workers that a run would have */
    worker *workers;
    collective *collective;
    team *team;
    session_expected expected; /* what follows the next batch */
    session_set *sets;         /* splits whose samples lie on the device */
    int64_t output_size;
    ode_counters *blocks;       /* of all ODE blocks, after the last batch */
    bool unprepared;            /* parameters were set since the layers last prepared for them */
    session_batch failed_batch; /* without an input: none */
};

/* TRAIN, REPEAT (the same without the update) and DIFFERENTIATE are in training mode; EVALUATE and
 * PREDICT (the same without the loss) are not. */
enum {
    BATCH_TRAIN = 0,
    BATCH_EVALUATE = 1,
    BATCH_DIFFERENTIATE = 2,
    BATCH_REPEAT = 3,
    BATCH_PREDICT = 4
};

static inline bool batch_trains(int32_t mode)
{
    return mode != BATCH_EVALUATE && mode != BATCH_PREDICT;
}

/* A batch for all workers; each takes its slice. */
typedef struct batch {
    int32_t mode, reserved0;
    int64_t n;                 /* samples of the whole batch */
    const data_source *source; /* with indices; or NULL and samples in the caller's memory: */
    const int64_t *indices;
    const device_cache *samples;     /* of source, on the device; or NULL */
    session_expected next;           /* what follows it */
    const double *given[DATA_ROLES]; /* by role, the input as the model takes it, untransformed */
    const void *stored;              /* in its place: as the data set stores it */
    const double *values;            /* or as the numbers that this stands for */
    int64_t epoch, step;
    double lr_factor;
    double *output, *d_x; /* of the whole batch; or NULL */
    double *labels_out;
    double loss, metrics[ODEON_MAX_METRICS], counted, grad_norm; /* answers, written by rank 0 */
} batch;

odeon_status worker_create(session *s, int32_t rank, worker *w);
/* The memory that depends on all parameters being known. */
odeon_status worker_bind(worker *w);
void worker_destroy(worker *w);

/* This worker's part of a batch, collectives included. */
odeon_status worker_batch(worker *w, batch *b);
/* Loads this worker's slice into w->fields, the input through the transforms. Workers meet in it
 * where samples have masks or times. */
odeon_status worker_load(worker *w, const batch *b, const odeon_context *context, int64_t first,
                         int64_t n);

/* The end of a batch of this status: waits for what is read ahead, so that nothing is under way. */
void worker_end_reading(worker *w, odeon_status status);

/* Gives the caller this slice's part of an array [n, ...] as double, from sample first on. */
odeon_status worker_give_back(worker *w, const odeon_tensor *x, int64_t first, double *out);
/* The first sample of this worker's slice, and how many there are. */
int64_t worker_slice(const worker *w, int64_t n, int64_t *count);

/* Instances of the losses, checked against the network and the data set; the first worker's say
 * what the session's metrics are. */
odeon_status worker_make_losses(worker *w);
void worker_destroy_losses(worker *w);
/* Calls all losses on this slice's output: sums, and, unless it is NULL, d_output. */
odeon_status worker_eval_losses(worker *w, const odeon_tensor *output,
                                const odeon_tensor *d_output);
/* Of the losses' sums as they were read: loss and metrics of the whole batch, the same bits on all
 * workers. ODEON_ERR_NUMERIC if the loss is not finite. */
odeon_status worker_judge_losses(const worker *w, batch *b);

/* ---- what the host reads of a batch, at once ---- */

odeon_status worker_bind_readings(worker *w); /* once all blocks and losses are there */
void worker_destroy_readings(worker *w);
odeon_tensor worker_sums(const worker *w); /* F64 [n_sums]: the losses', which the workers add up */
/* Of the gradient of all workers; its norm is known when the numbers have been read. */
odeon_status worker_square_gradient(const worker *w);
/* Waits. What ODE blocks measured goes to them, the rest to the two below. */
odeon_status worker_read_all(worker *w);
/* The same of what ODE blocks measured, where they did. */
odeon_status worker_read_measures(worker *w);
const double *worker_read_sums(const worker *w); /* [n_sums] */
double worker_gradient_norm(const worker *w);

/* false: it was read, and is not. */
bool session_gradient_is_finite(const session *s, const param *p);
/* session_numbers of the initial values; context is the session. */
odeon_status session_initial_numbers(void *context, const param *p, int64_t first, int64_t n,
                                     double *out);
/* What session_load would refuse or warn of. */
odeon_status session_check_weights(const session *s, const char *path);

/* What session.h says happens after ODEON_ERR_NUMERIC. */
void session_keep_failure(session *s, const batch *b);

/* ---- between the session's own files ---- */

/* The samples of a split that lie on the device, or NULL. */
const device_cache *session_samples_of(const session *s, const data_source *source);
void session_release_samples(session *s);

/* session_predict; of result (NULL: not wanted) the counters are set. */
odeon_status session_predict_counted(session *s, const session_samples *samples, double *output,
                                     double *labels, session_result *result);

/* Parameters pass the host in pieces of so many elements, so that no copy of a whole one is made.
 */
enum { SESSION_PIECE = 1 << 16 };
int64_t session_piece(const param *p, int64_t first); /* elements of the piece that starts there */

/* n elements from first on of a flat vector where p's lie, in the run's dtype. */
odeon_status session_download(const session *s, const char *base, const param *p, int64_t first,
                              int64_t n, void *out);
odeon_status session_upload(const worker *w, char *base, const param *p, int64_t first, int64_t n,
                            const void *raw);
/* Where the values of parameter p lie, on the first worker; writes them on all that hold them. */
const char *session_base(const session *s, const param *p);
odeon_status session_upload_param(const session *s, const param *p, int64_t first, int64_t n,
                                  const void *raw);
/* n numbers in the run's dtype. */
void session_narrow(const session *s, const double *values, int64_t n, void *out);
/* Sets all of a parameter to numbers that are asked for piece by piece. */
typedef odeon_status (*session_numbers)(void *context, const param *p, int64_t first, int64_t n,
                                        double *out);
odeon_status session_set_param(session *s, const param *p, session_numbers numbers, void *context);
/* Runs job on all workers at once; each leaves its w->status and w->message. The worst status. */
odeon_status session_run_job(session *s, team_job job, void *context);
/* Layers' prepare, on all workers: parameters have changed. */
odeon_status session_prepare(session *s);

/* A context for calls outside of a batch. */
odeon_context worker_context(worker *w, int32_t flags);
odeon_tensor worker_flat(const session *s, char *data, int64_t offset, int64_t count);

#endif
