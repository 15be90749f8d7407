/* grad.h: one batch's output, loss and gradients as a file, to hold a run against anything else. */
#ifndef ODEON_CORE_RUN_GRAD_H
#define ODEON_CORE_RUN_GRAD_H
#include "data/batch_file.h"
#include "session/handle.h"
#include "session/result.h"

/* A batch as double, whatever the file holds, by ODEON_ROLE_*. */
typedef struct grad_batch {
    int64_t n;
    double *field[DATA_ROLES];
} grad_batch;

/* As batch_file_read. out can be given to grad_batch_fini whatever the answer. */
odeon_status grad_batch_read(const char *path, const odeon_shape *input, const data_fields *fields,
                             grad_batch *out);
void grad_batch_fini(grad_batch *batch);

/* Differentiates the batch and writes to path, in dtype: output, loss, grad.x and grad.PATH for
 * every weight and bias; as metadata loss, the metrics and each ODE block's counters
 * ("PATH.evals_forward"). */
odeon_status grad_write(session *s, const grad_batch *batch, uint32_t dtype, const char *path,
                        session_result *result);

#endif
