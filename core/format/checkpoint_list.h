/* checkpoint_list.h: the checkpoints of a run by their names. */
#ifndef ODEON_CORE_FORMAT_CHECKPOINT_LIST_H
#define ODEON_CORE_FORMAT_CHECKPOINT_LIST_H
#include <stddef.h>
#include <stdint.h>

#include "odeon/status.h"

#define CHECKPOINT_LIST_FOLDER "checkpoints" /* in a run's */

/* RUN/checkpoints, and FOLDER/ckpt-STEP.safetensors; the caller frees them (mem_free). NULL without
 * memory. */
char *checkpoint_list_folder(const char *run);
char *checkpoint_list_path(const char *folder, int64_t step);

/* The steps of all checkpoints in folder, newest first; the caller frees them. None if there is no
 * such folder. ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status checkpoint_list_steps(const char *folder, size_t *n, int64_t **steps);

/* Of the checkpoints up to step removes all but the newest keep. What cannot be removed stays. */
void checkpoint_list_prune(const char *folder, int64_t step, size_t keep);

#endif
