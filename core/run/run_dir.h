/* run_dir.h: where a run leaves what it did; never overwritten. */
#ifndef ODEON_CORE_RUN_RUN_DIR_H
#define ODEON_CORE_RUN_RUN_DIR_H
#include "config/config.h"
#include "run/manifest.h"
#include "run/metrics.h"

#define RUN_DIR_TIMES "times.csv" /* where the time of a run goes (train_times.h) */

typedef struct run_dir run_dir;

/* Makes c->out, or the next free runs/NAME/N; an error (ODEON_ERR_CONFIG) if c->out exists and is
 * not an empty folder. It is this process's until closed (run_folder.h). Writes effective.ini,
 * whose presence makes a folder a run's. all outlives the run_dir. */
odeon_status run_dir_create(const config *c, observers *all, run_dir **out);

/* The folder of a run that began earlier; it becomes this process's, and what killed ones left
 * half written is removed. ODEON_ERR_CONFIG if path holds no run, or another process has it;
 * ODEON_ERR_IO, ODEON_ERR_NOMEM. Metrics are not open until run_dir_continue, which takes them back
 * to the mark and writes effective.ini as c has it. */
odeon_status run_dir_open(const char *path, run_dir **out);
odeon_status run_dir_continue(run_dir *dir, const config *c, observers *all,
                              const metrics_mark *mark, const metrics_row *columns);

/* Has the run results beside its checkpoints? And is it marked as one that has no checkpoint yet
 * (run_folder.h)? */
bool run_dir_has_results(const run_dir *dir);
bool run_dir_is_marked(const run_dir *dir);
odeon_status run_dir_mark(const run_dir *dir);
/* Moves checkpoints, weights, metrics, failures and the manifest of a run that was opened into
 * DIR/earlier-N, the first such that is free, with a copy of effective.ini: a run of its own. *to
 * is that folder, the caller's to free, or NULL if there is nothing to move. On failure every file
 * is in one of the two. ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status run_dir_set_aside(const run_dir *dir, char **to);

/* Closes the metrics; ODEON_ERR_IO if anything could not be written. NULL is allowed. */
odeon_status run_dir_close(run_dir *dir);
const char *run_dir_path(const run_dir *dir);
/* path + "/" + name; the caller frees it with mem_free. */
char *run_dir_file(const run_dir *dir, const char *name);

/* Passes an event of the run to the observers that want it (metrics_event); row may be NULL. Does
 * any want such? */
odeon_status run_dir_event(run_dir *dir, const odeon_event *event, const metrics_row *row);
bool run_dir_wants(const run_dir *dir, int32_t type);
/* Writes the rows that wait to be written; only if they have waited long enough (metrics.h). */
void run_dir_write_rows(run_dir *dir);
void run_dir_write_rows_if_due(run_dir *dir, double seconds);
/* Makes the rows so far last and says how far the files are. */
metrics_mark run_dir_sync(run_dir *dir);

/* Writes manifest.json; adds to it that the run goes on after step. */
odeon_status run_dir_manifest(run_dir *dir, const manifest_facts *facts);
odeon_status run_dir_resumed(run_dir *dir, const manifest_facts *facts, int64_t step);

#endif
