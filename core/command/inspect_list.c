/* Plugins are code of others. Whoever lists all of them must survive each: one child process a file
 * does the work and hands back text, in at most a second, several of them side by side (child.h).
 * The file's name alone says what the list calls it. */
#include "command/inspect_list.h"

#include "base/diag.h"
#include "base/mem.h"
#include "plugin/registry.h"

static const double seconds_per_plugin = 1.0;

/* The registry's scan has no way to answer a failure, so it is noted here. */
typedef struct collecting {
    registry *r;
    inspect_list *list;
    bool failed;
} collecting;

/* Called for every file under the search path, sorted by kind and id; of several of one name only
 * the first is there. */
static void collect(int32_t kind, const char *id, const char *file, void *context)
{
    collecting *c = context;
    inspect_list *list = c->list;
    inspect_item *items = c->failed ? NULL : mem_grow(list->items, list->n, sizeof *list->items);
    if (items == NULL) {
        c->failed = true;
        return;
    }
    list->items = items;
    items[list->n] =
        (inspect_item){.r = c->r, .kind = kind, .id = mem_strdup(id), .file = mem_strdup(file)};
    c->failed = items[list->n].id == NULL || items[list->n].file == NULL;
    list->n++;
}

/* A child without memory is the list's failure, since the plugin could be sound; any other failure
 * of a child is its answer. */
odeon_status inspect_list_run(registry *r, child_work work, inspect_list *list)
{
    *list = (inspect_list){0};
    collecting c = {.r = r, .list = list};
    ODEON_TRY(registry_scan(r, collect, &c));
    list->jobs = mem_zalloc(list->n, sizeof *list->jobs);
    if (c.failed || (list->jobs == NULL && list->n > 0)) {
        return diag_fail(ODEON_ERR_NOMEM, "no memory to list plugins");
    }
    for (size_t i = 0; i < list->n; i++) {
        list->jobs[i] = (child_job){.what = list->items[i].file, .context = &list->items[i]};
    }
    child_run_all(work, list->n, list->jobs, seconds_per_plugin);
    for (size_t i = 0; i < list->n; i++) {
        if (list->jobs[i].status == ODEON_ERR_NOMEM) {
            return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to look at it", list->items[i].file);
        }
    }
    return ODEON_OK;
}

/* Also of a list that has items and no jobs yet. */
void inspect_list_fini(inspect_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->jobs != NULL) {
            child_job_fini(&list->jobs[i]);
        }
        mem_free(list->items[i].id);
        mem_free(list->items[i].file);
    }
    mem_free(list->items);
    mem_free(list->jobs);
    *list = (inspect_list){0};
}
