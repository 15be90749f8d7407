#include "plugin/search_path.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/path.h"
#include "plugin/host_file.h"

/* Folders are kept as text and not opened: one may appear, disappear or be another one by the time
 * that it is searched, and each file is judged when it is opened (trust.c). */

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "no memory for the plugin search path");
}

/* Links to folders are folders. */
static bool is_folder(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* Where folder stands in the path; n: nowhere. */
static size_t place_of(const search_path *p, const char *folder)
{
    size_t i = 0;
    while (i < p->n && strcmp(p->folders[i], folder) != 0) {
        i++;
    }
    return i;
}

/* Takes folder over, also when it fails; NULL is memory that ran out before. */
static odeon_status add(search_path *p, char *folder)
{
    if (folder != NULL && place_of(p, folder) < p->n) {
        mem_free(folder);
        return ODEON_OK;
    }
    char **folders = folder != NULL ? mem_resize(p->folders, p->n + 1, sizeof *folders) : NULL;
    if (folders == NULL) {
        mem_free(folder);
        return no_memory();
    }
    p->folders = folders;
    p->folders[p->n++] = folder;
    return ODEON_OK;
}

/* Whoever names a folder that is not there has made a slip; places that are searched by custom may
 * be missing. */
static odeon_status add_given(search_path *p, const char *path)
{
    if (!is_folder(path)) {
        return diag_fail(ODEON_ERR_CONFIG, "plugin path %s: it is no folder", path);
    }
    return add(p, path_absolute(path, NULL));
}

/* "/a:/b" of the environment. */
static odeon_status add_list(search_path *p, const char *list)
{
    while (list != NULL && *list != '\0') {
        size_t n = strcspn(list, ":");
        if (n > 0 && list[0] == '/') {
            ODEON_TRY(add(p, mem_printf("%.*s", (int)n, list)));
        }
        list += n + (list[n] == ':');
    }
    return ODEON_OK;
}

/* By the XDG Base Directory Specification, which ignores relative paths. */
static odeon_status add_user(search_path *p)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (data != NULL && data[0] == '/') {
        return add(p, mem_printf("%s/odeon/plugins", data));
    }
    if (home != NULL && home[0] == '/') {
        return add(p, mem_printf("%s/.local/share/odeon/plugins", home));
    }
    return ODEON_OK;
}

/* Beside the host where it is installed, else in the folder where it was built; NULL without
 * memory. */
static char *own_folder(const char *host)
{
    static const char *const beside[] = {"odeon/plugins", "../lib/odeon/plugins"};
    for (size_t i = 0; i < 2 && host != NULL; i++) {
        char *folder = mem_printf("%s/%s", host, beside[i]);
        if (folder == NULL || is_folder(folder)) {
            return folder;
        }
        mem_free(folder);
    }
    return mem_strdup(ODEON_BUILD_PLUGINS);
}

/* The last of all, unless it was given: whoever is given a folder looks at it as at any other. */
static odeon_status add_own(search_path *p)
{
    char *host = NULL;
    ODEON_TRY(host_file_folder(&host));
    char *folder = own_folder(host);
    mem_free(host);
    size_t given = p->n;
    p->shipped = folder != NULL ? place_of(p, folder) : 0;
    p->own = given;
    return add(p, folder);
}

/* What was given for this run, then what is set for this user, then what came with the program:
 * the nearer the choice, the earlier it counts. */
static odeon_status add_all(search_path *p, size_t n_paths, const char *const *paths)
{
    for (size_t i = 0; i < n_paths; i++) {
        ODEON_TRY(add_given(p, paths[i]));
    }
    if (getauxval(AT_SECURE) == 0) { /* whoever runs us with more rights must not choose our code */
        ODEON_TRY(add_list(p, getenv("ODEON_PLUGIN_PATH")));
        ODEON_TRY(add_user(p));
    }
    return add_own(p);
}

odeon_status search_path_create(size_t n_paths, const char *const *paths, search_path **out)
{
    *out = NULL;
    search_path *p = mem_zalloc(1, sizeof *p);
    if (p == NULL) {
        return no_memory();
    }
    odeon_status status = add_all(p, n_paths, paths);
    if (status != ODEON_OK) {
        search_path_destroy(p);
        return status;
    }
    *out = p;
    return ODEON_OK;
}

void search_path_destroy(search_path *p)
{
    if (p == NULL) {
        return;
    }
    for (size_t i = 0; i < p->n; i++) {
        mem_free(p->folders[i]);
    }
    mem_free(p->folders);
    mem_free(p);
}
