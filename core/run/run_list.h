/* run_list.h: all runs below a folder. */
#ifndef ODEON_CORE_RUN_RUN_LIST_H
#define ODEON_CORE_RUN_RUN_LIST_H
#include "run/run_status.h"
#include "run/table.h"

typedef struct run_list {
    size_t n, room;
    run_status *list; /* by the time of their start, then by path */
} run_list;

/* Finds them in folder and in folders of it, RUN_LIST_DEPTH deep at most; a run's own folder is not
 * searched further. Links to folders are not followed. One whose configuration cannot be read is
 * left out with a warning. ODEON_ERR_IO: folder cannot be read; ODEON_ERR_NOMEM. out can be given
 * to run_list_fini whatever the answer. */
enum { RUN_LIST_DEPTH = 6 };
odeon_status run_list_find(const char *folder, run_list *out);
void run_list_fini(run_list *x);

/* A row each: name, start, state, steps, figures, seconds, folder, and in which keys of its
 * configuration it differs from others of its name. */
odeon_status run_list_table(const run_list *x, table *out);

#endif
