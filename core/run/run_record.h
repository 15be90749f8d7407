/* run_record.h: what a run has left in its folder, as a view sees it. */
#ifndef ODEON_CORE_RUN_RUN_RECORD_H
#define ODEON_CORE_RUN_RUN_RECORD_H
#include "odeon/view.h"

/* Reads effective.ini, the manifest, the metrics and what there is of a failure; weights are only
 * counted. No plugin is needed, and what is missing beside the INI is empty. ODEON_ERR_IO where
 * folder holds no run; ODEON_ERR_CONFIG, ODEON_ERR_DATA, ODEON_ERR_NOMEM; *out is then NULL. */
odeon_status run_record_read(const char *folder, odeon_view_run **out);
/* A file of comma-separated cells as a run that has this table alone, "table", and no more: what
 * `odeon compare --csv` and others print can be drawn, too. */
odeon_status run_record_read_table(const char *file, odeon_view_run **out);
void run_record_destroy(odeon_view_run *run); /* NULL is allowed */
/* The value of a key as "run.name"; NULL: there is none. */
const char *run_record_config(const odeon_view_run *run, const char *key);

#endif
