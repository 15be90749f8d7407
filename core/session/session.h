/* session.h: a configured network on a device with its workers, ready to train and evaluate.
 *
 * The caller's thread is the only one that calls these; the workers are threads inside. A failure
 * of any worker is the failure of the call, with its message in diag_message. */
#ifndef ODEON_CORE_SESSION_SESSION_H
#define ODEON_CORE_SESSION_SESSION_H
#include "config/config.h"
#include "data/data.h"
#include "device/counts.h"
#include "format/safetensors.h"
#include "ode/counters.h"
#include "odeon/loss.h"
#include "odeon/schedule.h"
#include "plugin/kernels.h"
#include "plugin/registry.h"

typedef struct session session;

/* Builds the model on every worker: plugins' instances, shapes, parameters with their initial
 * values (or those of train.weights), optimizer state. max_batch: the largest batch to come; it
 * only helps to choose the number of workers when run.workers is 0. */
odeon_status session_create(registry *r, const config *c, const data_fields *fields,
                            int64_t max_batch, session **out);
/* The same without any memory for numbers: it can be asked what it is, the section below, and no
 * more. train.weights is looked at all the same. */
odeon_status session_create_shapes(registry *r, const config *c, const data_fields *fields,
                                   int64_t max_batch, session **out);
void session_destroy(session *s); /* NULL is allowed */

/* ---- what it is ---- */

typedef struct session_layer {
    const char *path;  /* "ode.block"; "data.pixels" of a transform */
    const char *layer; /* the layer's id; that of its kernel where one stands in for it */
    int32_t depth;     /* of containers around it; 0: a layer of the model itself, or a transform */
    int32_t ndim;      /* of the output, without the batch */
    int64_t dim[5];
    int64_t parameters; /* of this layer alone; 0 if it shares another's */
    const char *shared; /* path of the layer whose parameters it shares, or NULL */
} session_layer;

/* Transforms first, then the model, in file order. */
size_t session_layer_count(const session *s);
session_layer session_layer_at(const session *s, size_t index);
/* What the model takes, behind the transforms: a shape with batch 1. */
odeon_tensor session_input(const session *s);
uint64_t session_stored_bytes(const session *s);     /* of a sample, as the data set stores it */
const data_fields *session_fields(const session *s); /* of its data set */
int64_t session_parameter_count(const session *s);
int32_t session_workers(const session *s);
const kernel_list *session_kernels(const session *s); /* NULL: not wanted */
const char *session_device_text(const session *s);    /* "cpu: OpenBLAS 0.3.21 SkylakeX" */
bool session_device_is_auto(const session *s);        /* run.device = auto stood for it */
/* Is the device apart from the host, with memory of its own, so that what it is asked for counts?
 */
bool session_device_is_apart(const session *s);
size_t session_metric_count(const session *s);
const char *const *session_metric_names(const session *s);
/* The ODE blocks with what they counted last; *blocks lives as long as the session. */
size_t session_blocks(const session *s, ode_counters **blocks);
/* The least samples of a batch to train on that all layers take; where that is more than 1, layer
 * is the first that takes no fewer. */
int64_t session_min_batch(const session *s, session_layer *layer);
/* Does the field of a block with times = batch read t, while the data set counts the times of a
 * sample from its own start? Then layer is the first that does. */
bool session_reads_relative_time(const session *s, session_layer *layer);
/* What the schedule says of a run that ends at last, as remark of schedule.h: "" for nothing. */
void session_schedule_remark(const session *s, const odeon_position *last, char *text,
                             size_t bytes);
double session_learning_rate(const session *s); /* before any schedule */
/* The schedule's factor of the learning rate; 1 without one. ODEON_ERR_PLUGIN if it is none. */
odeon_status session_schedule(const session *s, const odeon_position *position, double *factor);

/* Who is told, on any worker's thread, that a worker has waited for run.patience while one that it
 * waits for stays in a plugin's call, and ends the program: that thread cannot be joined. Unless
 * this is called it is abandon_program. */
typedef void (*session_stuck)(void *context, const char *message);
void session_on_stuck(session *s, session_stuck stuck, void *context);

/* ---- samples on the device ---- */

/* Does what data.on_device says of a split: uploads its samples in use, so that of batches of
 * source only indices travel from then on. auto: where the device has memory of its own
 * (ODEON_DEVICE_MEMORY) and a quarter of what is free holds them; else, and with no, nothing is
 * done. source is to stay open as long as batches are taken from it. The numbers of a batch are the
 * same either way. ODEON_ERR_NOMEM with yes alone; what the data set says of a sample. */
odeon_status session_place(session *s, const data_source *source);
uint64_t session_placed_bytes(const session *s);
/* The batch after the next one is going to be this: samples that are not on the device are then
 * read and uploaded while the next is worked on, where the device copies by itself
 * (ODEON_DEVICE_PINNED). What is read and not asked for is forgotten. indices live until then. */
void session_expect(session *s, const data_source *source, int64_t n, const int64_t *indices);

/* ---- batches ---- */

typedef struct session_result {
    double loss;                       /* mean over the batch */
    double metrics[ODEON_MAX_METRICS]; /* means over the batch */
    double counted;         /* elements of the label that loss and metrics are means over */
    double grad_norm;       /* before clipping; NAN when nothing was differentiated */
    device_counters device; /* of all workers */
    size_t n_blocks;        /* ODE blocks */
    ode_counters *blocks; /* [n_blocks], the session's until its next batch; a copy's are its own */
} session_result;

/* Makes to, which starts as {0} or is an earlier copy, a copy of from with blocks of its own;
 * ODEON_ERR_NOMEM leaves it as it was. session_result_fini releases one and makes it {0}. */
odeon_status session_result_copy(const session_result *from, session_result *to);
void session_result_fini(session_result *copy);

/* One optimizer step on samples indices[0 .. n-1] of source; step counts from 1 and is the
 * optimizer's. */
odeon_status session_train(session *s, const data_source *source, int64_t n, const int64_t *indices,
                           int64_t epoch, int64_t step, double lr_factor, session_result *out);
/* Loss and metrics in evaluation mode; nothing is kept for a backward pass. */
odeon_status session_evaluate(session *s, const data_source *source, int64_t n,
                              const int64_t *indices, session_result *out);

/* One batch given in the caller's memory, differentiated in training mode without an update: the
 * output [n, ...], dL/dx [n, ...], then the gradients by session_gradient. given[role] is the field
 * of that ODEON_ROLE_*, [n, ...], or NULL; the input is what the model takes: transforms of the
 * data are not applied to it. Arrays are as double whatever the dtype of the run; output and d_x
 * may be NULL. */
odeon_status session_differentiate(session *s, int64_t n, const double *const *given,
                                   double *output, double *d_x, session_result *result);
odeon_tensor session_output(const session *s); /* a shape with batch 1 */
int64_t session_output_size(const session *s); /* elements a sample */

/* The output [n, ...] in evaluation mode, without a loss. Samples are indices[0 .. n-1] of source,
 * whose labels [n, ...] go to labels (NULL: not wanted); or, with source NULL, given as above. If
 * stored is not NULL, the input is given as the data set stores it, else, if values is not NULL, as
 * the numbers that this stands for (scale * stored + shift): either passes the transforms. */
typedef struct session_samples {
    int64_t n;
    const data_source *source;
    const int64_t *indices;
    const double *given[DATA_ROLES];
    const void *stored;
    const double *values; /* in the data set's shape */
} session_samples;
odeon_status session_predict(session *s, const session_samples *samples, double *output,
                             double *labels);

/* The metric that a line of progress shows beside the loss: accuracy, else the first that is no
 * loss among several; -1: none. */
int32_t session_headline(const session *s);
/* How good a result is, greater is better: the metric "accuracy", whose name *name becomes, or,
 * with *name NULL, the negative loss. */
double session_score(const session *s, const session_result *result, const char **name);

/* ---- the states along a flow ---- */

/* The model as far as its first ODE block, to be solved and no more: nothing that follows the block
 * is built, no loss, no optimizer; weights may hold other tensors too. Without a data set
 * session_create makes no loss either. */
odeon_status session_create_flow(registry *r, const config *c, const data_fields *fields,
                                 int64_t max_batch, session **out);

/* What comes out of the block, which has to be one of the model's own row (ODEON_ERR_CONFIG). */
typedef struct session_flow {
    int64_t n_times, size; /* size: elements of a state */
} session_flow;
odeon_status session_flow_of(const session *s, session_flow *out);

/* Runs it in evaluation mode: output [n, n_times, size], times [n_times]. Of result the counters
 * are set. */
odeon_status session_solve(session *s, const session_samples *samples, double *output,
                           double *times, session_result *result);

/* ---- numerical failure ---- */

/* A batch with all that its numbers depend on beside the parameters. */
typedef struct session_batch {
    bool training; /* differentiated in training mode; else evaluated */
    int64_t n, epoch, step;
    /* By ODEON_ROLE_*: [n, ...], or NULL where the data set has no such field; the input is the
     * network's. The run's dtype holds all but times exactly. */
    double *field[DATA_ROLES];
    int64_t *indices; /* [n], of the samples in the data set; NULL: not known */
} session_batch;
void session_batch_fini(session_batch *kept);

/* After ODEON_ERR_NUMERIC parameters and running state are as before the batch, and the message
 * names the worst sample where one was found. This is the batch then; NULL if the last batch did
 * not fail so, could not be kept, or failed in the midst of the update of parameters, which then
 * are lost. */
const session_batch *session_failed_batch(const session *s);
/* Runs it again, without an update of parameters. */
odeon_status session_repeat(session *s, const session_batch *again, session_result *out);
/* Writes folder/steps-PATH.csv for every ODE block that the last batch came to: the steps (t, h,
 * error, accepted) of the solve that failed, else of the one forward. */
odeon_status session_write_attempts(session *s, const char *folder);

/* ---- parameters ---- */

typedef struct session_parameter {
    const char *path;   /* "ode.block.weight" */
    int32_t ndim, role; /* ODEON_PARAM_* of layer.h */
    int64_t dim[ODEON_MAX_DIMS];
    int64_t count;
} session_parameter;

size_t session_parameters(const session *s); /* tensors, running state included */
session_parameter session_parameter_at(const session *s, size_t index);
/* Values, and gradients of the last session_differentiate, as double; out has room for count. */
odeon_status session_parameter_get(session *s, size_t index, double *out);
odeon_status session_parameter_set(session *s, size_t index, const double *values);
odeon_status session_gradient_get(session *s, size_t index, double *out);

/* All tensors in the run's dtype, by path. Loading demands every one of them, in shape, and no
 * other (ODEON_ERR_DATA with the first that differs). path may also be a checkpoint, whose
 * optimizer is left alone, or a run's folder (run_folder_find_weights). */
odeon_status session_save(session *s, const char *path);
odeon_status session_load(session *s, const char *path);

/* All that the next step depends on beside its number, as a file has it: every parameter and
 * running state by path and, if moments, the optimizer's as "optimizer/NAME/PATH"; all in the run's
 * dtype. The data stays where it is. session_tensors_fini takes one that is {0}, and one of which
 * the listing failed. */
typedef struct session_tensor {
    size_t parameter;
    int32_t moment; /* -1: the values */
    int32_t reserved0;
} session_tensor;
typedef struct session_tensors {
    session *session;
    size_t n;
    safetensors_entry *entries; /* data NULL */
    char **names;               /* what entries point at */
    session_tensor *sources;
    safetensors *weights; /* of session_start_list: train.weights, or NULL */
} session_tensors;
odeon_status session_tensors_list(session *s, bool moments, session_tensors *out);
void session_tensors_fini(session_tensors *x);
/* A safetensors_source: the data of a list, from the device. */
odeon_status session_tensors_read(void *list, size_t index, uint64_t offset, size_t bytes,
                                  void *out);
/* The same of what the run began with, whatever has become of the device: the initial values follow
 * from the seed, or stand in train.weights, and the moments are 0. */
odeon_status session_start_list(session *s, session_tensors *out);
odeon_status session_start_read(void *list, size_t index, uint64_t offset, size_t bytes, void *out);
/* A copy on the host of parameters and running state, for a file that is to be written later. */
typedef struct session_copy {
    session_tensors list;
    char **data;
} session_copy;
odeon_status session_copy_take(session *s, session_copy *out);
void session_copy_fini(session_copy *x); /* takes one that is {0}, or of which the taking failed */
/* Writes it as weights, with step in the metadata if it is not 0; x {0}: of the session itself. */
odeon_status session_copy_write(session_copy *x, session *s, int64_t step, const char *path);
/* The opposite: takes everything, moments included, from file to the bit. ODEON_ERR_DATA if file
 * has not exactly the tensors that session_tensors_list has, in shape and dtype; what the session
 * holds is then undefined. path is for messages. */
odeon_status session_restore(session *s, const safetensors *file, const char *path);

/* Writes the accepted steps of the last forward solve as CSV (t,h), one ODE block: index <
 * n_blocks. */
odeon_status session_write_steps(session *s, size_t block, const char *path);

#endif
