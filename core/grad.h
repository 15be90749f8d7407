/* grad.h: one batch's output, loss and gradients as a file, to hold a run against anything else. */
#ifndef ODEON_CORE_GRAD_H
#define ODEON_CORE_GRAD_H
#include "odeon/layer.h"
#include "safetensors.h"
#include "session.h"

/* A batch as double, whatever the file holds. */
typedef struct grad_batch {
    int64_t n;
    double *x;       /* [n, ...] of the input's shape */
    int64_t *labels; /* [n] */
} grad_batch;

/* Reads tensors x (F32 or F64, [n, ...], but for the batch of the shape of input, what the model
 * takes: it gets them as they are) and y ([n], whole numbers of any dtype, 0 <= y < classes).
 * ODEON_ERR_IO, ODEON_ERR_DATA, ODEON_ERR_NOMEM. */
odeon_status grad_batch_read(const char *path, const odeon_tensor *input, int64_t classes,
                             grad_batch *out);
void grad_batch_fini(grad_batch *batch);
/* Reads y alone, n labels; *out is the caller's (mem_free), NULL on failure. */
odeon_status grad_labels_read(const char *path, const safetensors *file, int64_t classes, int64_t n,
                              int64_t **out);

/* Differentiates the batch and writes to path, in dtype: output, loss, grad.x and grad.PATH for
 * every weight and bias; as metadata loss, the metrics and each ODE block's counters
 * ("PATH.evals_forward"). */
odeon_status grad_write(session *s, const grad_batch *batch, int32_t dtype, const char *path,
                        session_result *result);

#endif
