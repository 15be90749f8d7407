/* run_batch.h: a batch on all workers: to train on, to evaluate, to differentiate, to predict. */
#ifndef ODEON_CORE_SESSION_RUN_BATCH_H
#define ODEON_CORE_SESSION_RUN_BATCH_H
#include "data/data.h"
#include "session/failed_batch.h"
#include "session/handle.h"
#include "session/result.h"

/* One optimizer step on samples indices[0 .. n-1] of source; step counts from 1 and is the
 * optimizer's. With train.accumulate it goes through them in batches of data.batch, whose gradients
 * are averaged over the samples; counters in out are then those of the last. */
odeon_status session_train(session *s, const data_source *source, int64_t n, const int64_t *indices,
                           int64_t epoch, int64_t step, double lr_factor, session_result *out);
/* Loss and metrics in evaluation mode; nothing is stored for a backward pass. */
odeon_status session_evaluate(session *s, const data_source *source, int64_t n,
                              const int64_t *indices, session_result *out);

/* One batch given in the caller's memory, differentiated in training mode without an update: the
 * output [n, ...], dL/dx [n, ...], then the gradients by session_gradient_get. given[role] is the
 * field of that ODEON_ROLE_*, [n, ...], or NULL; the input is what the model takes: transforms of
 * the data are not applied to it. Arrays are as double whatever the dtype of the run; output and
 * d_x may be NULL. */
odeon_status session_differentiate(session *s, int64_t n, const double *const *given,
                                   double *output, double *d_x, session_result *result);

/* The same of samples indices[0 .. n-1] of source, which pass the transforms as in step 1 of epoch
 * 1. */
odeon_status session_differentiate_samples(session *s, const data_source *source, int64_t n,
                                           const int64_t *indices, session_result *result);

/* Samples to predict of: indices[0 .. n-1] of source; or, with source NULL, given as above. If
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
/* The output [n, ...] in evaluation mode, without a loss. With a source, its labels [n, ...] go to
 * labels (NULL: not wanted). */
odeon_status session_predict(session *s, const session_samples *samples, double *output,
                             double *labels);
/* The same, and of result the counters are set. */
odeon_status session_predict_counted(session *s, const session_samples *samples, double *output,
                                     double *labels, session_result *result);

/* Runs a batch that failed again, without an update of parameters. */
odeon_status session_repeat(session *s, const session_batch *again, session_result *out);

/* Writes the accepted steps of the last forward solve as CSV (t,h), one ODE block: index <
 * n_blocks; of samples that are solved by themselves, of a batch that was differentiated, as
 * (sample,t,h). */
odeon_status session_write_steps(session *s, size_t block, const char *path);

#endif
