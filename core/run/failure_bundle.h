/* failure_bundle.h: a folder that holds all that a failed batch depends on, so that it can be run
 * again.
 *
 *   batch.safetensors    x [n, ...] in the run's dtype, the network's input; y, labels: classes
 *                        I64 [n], or numbers [n, ...] in the run's dtype; time F64, mask, control
 *                        where the data set has them; indices I64 [n], of the samples in the data
 *                        set, where known; as metadata mode (train, test), seed, epoch, step,
 *                        workers. Written last: a folder without it is no bundle.
 *   weights.safetensors  parameters and running state as the batch found them
 *   effective.ini        the run's
 *   steps-PATH.csv       the steps that were tried, for every ODE block that was reached
 *   message.txt          what was said */
#ifndef ODEON_CORE_RUN_FAILURE_BUNDLE_H
#define ODEON_CORE_RUN_FAILURE_BUNDLE_H

#define BUNDLE_BATCH   "batch.safetensors"
#define BUNDLE_WEIGHTS "weights.safetensors"
#define BUNDLE_INI     "effective.ini"
#include "data/data.h"
#include "session/failed_batch.h"
#include "session/handle.h"

/* Makes folder, whose parent exists, a bundle of the session's failed batch; files of those names
 * are replaced. ODEON_ERR_INTERNAL if there is no such batch, ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status bundle_write(session *s, const config *c, const char *folder, const char *message);

/* The number of workers, without which bits may differ. ODEON_ERR_IO if folder is no bundle, with
 * a hint if one is near; ODEON_ERR_DATA, ODEON_ERR_NOMEM. */
odeon_status bundle_workers(const char *folder, int64_t *out);
/* The batch, for session_batch_fini whatever the answer; errors as above. input and fields: as for
 * batch_file_read. */
odeon_status bundle_read(const char *folder, const odeon_shape *input, const data_fields *fields,
                         session_batch *out);

#endif
