/* describe.h: what a session is, for whoever shows it or has to fit it. A session made of shapes
 * alone can be asked all of this. */
#ifndef ODEON_CORE_SESSION_DESCRIBE_H
#define ODEON_CORE_SESSION_DESCRIBE_H
#include "data/data.h"
#include "odeon/schedule.h"
#include "odeon/tensor.h"
#include "plugin/kernels.h"
#include "session/handle.h"
#include "session/result.h"

typedef struct session_layer {
    const char *path;  /* "ode.block"; "data.pixels" of a transform */
    const char *layer; /* the layer's id; that of its kernel where one computes in its place */
    int32_t depth;     /* of containers around it; 0: a layer of the model itself, or a transform */
    int32_t ndim;      /* of the output, without the batch */
    int64_t dim[5];
    int64_t parameters; /* of this layer alone; 0 if it shares another's */
    const char *shared; /* path of the layer whose parameters it shares, or NULL */
} session_layer;

/* Transforms first, then the model, in file order. */
size_t session_layer_count(const session *s);
session_layer session_layer_at(const session *s, size_t index);
/* What the model takes, behind the transforms, and what it makes: shapes with batch 1. */
odeon_shape session_input(const session *s);
odeon_shape session_output(const session *s);
int64_t session_output_size(const session *s);       /* elements a sample */
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
/* The ODE blocks with what they counted last; *blocks lives as long as the session. */
size_t session_blocks(const session *s, ode_counters **blocks);

/* ---- metrics ---- */

size_t session_metric_count(const session *s);
const char *const *session_metric_names(const session *s);
/* The figures that components have reported since they were last cleared; *list lives until the
 * next call. Not while a batch is under way. */
size_t session_figures(const session *s, const figure_value **list);
void session_clear_figures(session *s);
/* The metric that a line of progress shows beside the loss: accuracy, else the first that is no
 * loss among several; -1: none. */
int32_t session_headline(const session *s);
/* How good a result is, greater is better: the metric "accuracy", whose name *name becomes, or,
 * with *name NULL, the negative loss, which run.best_by may ask for. */
double session_score(const session *s, const session_result *result, const char **name);

/* ---- what fits it ---- */

/* The least samples of a batch to train on that all layers take; where that is more than 1, layer
 * is the first that takes no fewer. */
int64_t session_min_batch(const session *s, session_layer *layer);
/* Does the field of a block with times = batch read t, while the data set counts the times of a
 * sample from its own start? Then layer is the first that does. */
bool session_reads_relative_time(const session *s, session_layer *layer);
/* The path of the first block whose solves are made call by call because its method needs the host,
 * on a device that could record them and may; NULL: none. */
const char *session_unrecorded_block(const session *s);
/* The path of a body whose gradient has second derivatives, on a device that has none, so that the
 * model cannot be trained there; NULL: there is none. */
const char *session_without_gradient(const session *s);
/* Of the first block with step = sample that solves one sample after the other: why, in words, and
 * its path; NULL: there is none. */
const char *session_samples_in_turn(const session *s, const char **path);

/* ---- the learning rate ---- */

/* What the schedule says of a run that ends at last, as remark of schedule.h: "" for nothing. */
void session_schedule_remark(const session *s, const odeon_position *last, char *text,
                             size_t bytes);
double session_learning_rate(const session *s); /* before any schedule */
/* The schedule's factor of the learning rate; 1 without one. ODEON_ERR_PLUGIN if it is none. */
odeon_status session_schedule(const session *s, const odeon_position *position, double *factor);

#endif
