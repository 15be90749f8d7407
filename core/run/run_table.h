/* run_table.h: a table that a run has left, metrics.csv or the steps of a failure, as columns. */
#ifndef ODEON_CORE_RUN_RUN_TABLE_H
#define ODEON_CORE_RUN_RUN_TABLE_H
#include "odeon/view.h"

/* Reads lines of comma-separated cells, the first of names (RFC 4180; LF or CR LF); rows that are
 * shorter have empty cells, and one that is longer is ODEON_ERR_DATA. A last line without its end,
 * as a run under way may have it, is left out. name is copied. ODEON_ERR_IO, ODEON_ERR_NOMEM; *out
 * is then NULL. */
odeon_status run_table_read(const char *path, const char *name, odeon_view_table **out);
void run_table_destroy(odeon_view_table *t); /* NULL is allowed */

#endif
