/* run_folder.h: a run's folder belongs to one process at a time. */
#ifndef ODEON_CORE_FORMAT_RUN_FOLDER_H
#define ODEON_CORE_FORMAT_RUN_FOLDER_H
#include <stdbool.h>

#include "odeon/status.h"

#define RUN_FOLDER_INI     "effective.ini"
#define RUN_FOLDER_WEIGHTS "weights.safetensors"
#define RUN_FOLDER_PAGE    "report.html"

/* Takes path/lock for this process until *fd is closed or the process ends, however it ends; the
 * file stays. *fd is -1 on failure. ODEON_ERR_CONFIG if another process has it; ODEON_ERR_IO,
 * ODEON_ERR_NOMEM. Where the file system knows no locks, a warning is all. */
odeon_status run_folder_lock(const char *path, int *fd);

/* The mark of a run that has no checkpoint yet, an empty file of that name: without it a run that
 * has results and no checkpoint has lost its checkpoints, and must not begin again over the
 * results. ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status run_folder_mark(const char *path);
void run_folder_unmark(const char *path); /* there is a checkpoint now */
bool run_folder_is_marked(const char *path);

/* Is path a folder that holds a run's configuration? */
bool run_folder_is_run(const char *path);

/* The INI that path stands for: its configuration, if it is a run's folder, else path itself. The
 * caller frees *out. ODEON_ERR_IO for a folder that is none; ODEON_ERR_NOMEM. */
odeon_status run_folder_find_ini(const char *path, char **out);
/* The same of weights: those of a run's folder are its last ones or, of a run that has not come to
 * an end, those of its newest checkpoint. ODEON_ERR_IO also for a run without any. */
odeon_status run_folder_find_weights(const char *path, char **out);

/* Is name one that a run's start may find in a folder that holds no run: the lock, the mark, or a
 * temporary file of a process that was killed? */
bool run_folder_is_litter(const char *name);

/* Removes the temporary files (atomic_file.h) that killed processes left in the folder and in its
 * checkpoints. Call it under the lock. What cannot be removed stays. ODEON_ERR_NOMEM. */
odeon_status run_folder_sweep(const char *path);

#endif
