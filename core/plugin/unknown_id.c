#include "plugin/unknown_id.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/hints.h"
#include "base/label.h"
#include "base/mem.h"
#include "option/kinds.h"
#include "plugin/child.h"

/* The commonest mistake in an INI is a name that is nearly right, or another system's. The answer
 * is made for it: the nearest name or alias, else all that there are. */

/* ---- ids ---- */

static bool is_listed(const id_list *list, const char *id)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->ids[i], id) == 0) {
            return true;
        }
    }
    return false;
}

/* Once each, whether loaded or only found. */
void id_list_add(id_list *list, int32_t kind, const char *id)
{
    if (kind != list->kind || list->failed || is_listed(list, id)) {
        return;
    }
    char **ids = mem_grow(list->ids, list->n, sizeof *ids);
    if (ids != NULL) {
        list->ids = ids;
        ids[list->n] = mem_strdup(id);
    }
    if (ids == NULL || ids[list->n] == NULL) {
        list->failed = true;
        return;
    }
    list->n++;
}

void id_list_fini(id_list *list)
{
    for (size_t i = 0; i < list->n + list->n_kernels; i++) {
        mem_free(list->ids[i]);
    }
    mem_free(list->ids);
    *list = (id_list){.n = 0};
}

const char *kernel_device(const char *kernel, const char *layer)
{
    size_t n = strlen(layer);
    return strncmp(kernel, layer, n) == 0 && kernel[n] == '@' ? kernel + n + 1 : NULL;
}

/* Moves ids of kernels, which nobody can choose, behind the others, unless id is one itself.
 * Returns one that is a kernel of id; NULL: none is. */
static const char *set_kernels_apart(id_list *list, const char *id)
{
    const char *kernel = NULL;
    for (size_t i = 0; i < list->n && !label_is_kernel(id);) {
        char *last = list->ids[list->n - 1], *here = list->ids[i];
        if (!label_is_kernel(here)) {
            i++;
            continue;
        }
        kernel = kernel_device(here, id) != NULL ? here : kernel;
        list->ids[i] = last;
        list->ids[list->n - 1] = here;
        list->n--;
        list->n_kernels++;
    }
    return kernel;
}

/* ---- hints ---- */

/* One component whose aliases are asked for. */
typedef struct alias_question {
    const alias_source *aliases;
    int32_t kind;
    const char *id;
} alias_question;

static odeon_status write_aliases(FILE *out, void *context)
{
    const alias_question *x = context;
    return x->aliases->write(x->aliases->self, x->kind, x->id, out);
}

/* Plugins tell what others call their components only once they are loaded, which a slip of the pen
 * is no reason for: children do it, and one that goes wrong costs the hints of its plugin alone. */
static odeon_status hint_by_aliases(const alias_source *aliases, const id_list *list,
                                    const char *id, hint_name *names, char *hint, size_t bytes)
{
    static const double seconds_per_plugin = 1.0;
    child_job *jobs = mem_zalloc(list->n, sizeof *jobs);
    alias_question *questions = mem_zalloc(list->n, sizeof *questions);
    odeon_status status = ODEON_OK;
    if (jobs == NULL || questions == NULL) {
        status = diag_fail(ODEON_ERR_NOMEM, "no memory to look for %s", id);
    }
    for (size_t i = 0; i < list->n && status == ODEON_OK; i++) {
        questions[i] = (alias_question){.aliases = aliases, .kind = list->kind, .id = list->ids[i]};
        jobs[i] = (child_job){.what = list->ids[i], .context = &questions[i]};
    }
    if (status == ODEON_OK) {
        child_run_all(write_aliases, list->n, jobs, seconds_per_plugin);
        for (size_t i = 0; i < list->n; i++) {
            names[i].aliases = jobs[i].out.data;
        }
        if (!hint_write(hint, bytes, id, list->n, names)) {
            hint_list(hint, bytes, list->n, names);
        }
        for (size_t i = 0; i < list->n; i++) {
            child_job_fini(&jobs[i]);
        }
    }
    mem_free(jobs);
    mem_free(questions);
    return status;
}

/* Names alone often suffice; only where they do not are plugins loaded to ask for aliases. */
static odeon_status write_hint(const alias_source *aliases, const id_list *list, const char *id,
                               char *hint, size_t bytes)
{
    hint_name *names = mem_zalloc(list->n, sizeof *names);
    if (names == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "no memory to look for %s", id);
    }
    for (size_t i = 0; i < list->n; i++) {
        names[i].name = list->ids[i];
    }
    odeon_status status = hint_write_known(hint, bytes, id, list->n, names)
                              ? ODEON_OK
                              : hint_by_aliases(aliases, list, id, names, hint, bytes);
    mem_free(names);
    return status;
}

static int by_id(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static odeon_status refuse(const id_list *list, const char *id, const alias_source *aliases)
{
    char hint[768];
    ODEON_TRY(write_hint(aliases, list, id, hint, sizeof hint));
    return diag_fail(ODEON_ERR_CONFIG,
                     "no %s is named '%s'%s (`odeon plugins` lists what there is)",
                     kind_name(list->kind), id, hint);
}

/* Sorted, so that the same mistake gets the same words on every machine. */
odeon_status unknown_id_refuse(id_list *list, const char *id, const alias_source *aliases)
{
    if (list->failed) {
        return diag_fail(ODEON_ERR_NOMEM, "no memory to look for %s %s", kind_name(list->kind), id);
    }
    if (list->n > 0) {
        qsort(list->ids, list->n, sizeof *list->ids, by_id);
    }
    const char *kernel = set_kernels_apart(list, id);
    if (kernel == NULL) {
        return refuse(list, id, aliases);
    }
    return diag_fail(ODEON_ERR_CONFIG,
                     "no %s is named '%s': there is only %s, which takes its place on a device; "
                     "install the plugin of %s too",
                     kind_name(list->kind), id, kernel, id);
}
