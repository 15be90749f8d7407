#include "plugin/files.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/label.h"
#include "base/mem.h"
#include "option/kinds.h"

/* A folder of plugins has one folder a kind; the names of files are all that is looked at. */

typedef struct plugin_file {
    int32_t kind;
    char *id, *file;
} plugin_file;

typedef struct plugin_list {
    size_t n;
    plugin_file *files;
} plugin_list;

/* Folders are listed in the order of the search, so that the first that has a file keeps its
 * place. */
static bool is_listed(const plugin_list *list, int32_t kind, const char *id)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->files[i].kind == kind && strcmp(list->files[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes over what is in file, also where it fails. */
static bool append(plugin_list *list, plugin_file file)
{
    plugin_file *files =
        file.id != NULL && file.file != NULL ? mem_grow(list->files, list->n, sizeof *files) : NULL;
    if (files == NULL) {
        mem_free(file.id);
        mem_free(file.file);
        return false;
    }
    list->files = files;
    files[list->n++] = file;
    return true;
}

/* Lists folder/name if it is called ID.so; false without memory. */
static bool list_entry(plugin_list *list, int32_t kind, const char *folder, const char *name)
{
    size_t length = strlen(name);
    if (length <= 3 || strcmp(name + length - 3, ".so") != 0) {
        return true;
    }
    char *id = mem_printf("%.*s", (int)(length - 3), name);
    bool named =
        id != NULL && (label_is_id(id) || (kind == ODEON_KIND_LAYER && label_is_kernel(id)));
    if (id != NULL && (!named || is_listed(list, kind, id))) {
        mem_free(id);
        return true;
    }
    char *file = mem_printf("%s/%s/%s", folder, kind_name(kind), name);
    return append(list, (plugin_file){kind, id, file});
}

/* A folder that cannot be opened has nothing to offer: most of a search path is not there. */
static bool list_kind(plugin_list *list, int32_t kind, const char *folder)
{
    char *path = mem_printf("%s/%s", folder, kind_name(kind));
    if (path == NULL) {
        return false;
    }
    DIR *entries = opendir(path);
    mem_free(path);
    bool complete = true;
    const struct dirent *entry;
    while (entries != NULL && complete && (entry = readdir(entries)) != NULL) {
        complete = list_entry(list, kind, folder, entry->d_name);
    }
    if (entries != NULL) {
        (void)closedir(entries);
    }
    return complete;
}

static int by_kind_and_id(const void *left, const void *right)
{
    const plugin_file *a = left, *b = right;
    return a->kind != b->kind ? (a->kind < b->kind ? -1 : 1) : strcmp(a->id, b->id);
}

/* All is listed before anything is visited, so that a visitor may load plugins, which may write
 * files. */
odeon_status plugin_files_visit(size_t n_folders, const char *const *folders, plugin_visitor visit,
                                void *context)
{
    plugin_list list = {0};
    bool complete = true;
    for (size_t i = 0; i < n_folders && complete; i++) {
        for (int32_t kind = 1; kind <= KIND_COUNT && complete; kind++) {
            complete = list_kind(&list, kind, folders[i]);
        }
    }
    if (complete && list.n > 0) {
        qsort(list.files, list.n, sizeof *list.files, by_kind_and_id);
    }
    for (size_t i = 0; i < list.n; i++) {
        if (complete) {
            visit(list.files[i].kind, list.files[i].id, list.files[i].file, context);
        }
        mem_free(list.files[i].id);
        mem_free(list.files[i].file);
    }
    mem_free(list.files);
    return complete ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "no memory to list plugins");
}
