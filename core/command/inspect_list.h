/* inspect_list.h: one piece of work for every plugin file there is, each in a process of its own.
 */
#ifndef ODEON_CORE_COMMAND_INSPECT_LIST_H
#define ODEON_CORE_COMMAND_INSPECT_LIST_H
#include "plugin/child.h"
#include "plugin/registry.h"

/* A component that a file name promises; the context of its job. */
typedef struct inspect_item {
    registry *r; /* in which the child loads it */
    int32_t kind;
    char *id, *file;
} inspect_item;

typedef struct inspect_list {
    size_t n;
    inspect_item *items; /* [n] */
    child_job *jobs;     /* [n], with their answers */
} inspect_list;

/* Runs work, whose context is an inspect_item, for every file under r's search path, one second
 * long at most. ODEON_ERR_NOMEM, also if it was one job that had no memory; list can be given to
 * inspect_list_fini whatever the answer. */
odeon_status inspect_list_run(registry *r, child_work work, inspect_list *list);
void inspect_list_fini(inspect_list *list);

#endif
