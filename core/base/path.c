#include "base/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* A leading ./ is dropped, so that the common spelling of a file beside the INI gives a clean path;
 * .. stays, because what it means depends on links. */
char *path_absolute(const char *path, const char *folder)
{
    if (path[0] == '/') {
        return mem_strdup(path);
    }
    while (path[0] == '.' && path[1] == '/') {
        path += 2;
    }
    /* getcwd allocates a buffer of any length */
    char *working = folder == NULL ? getcwd(NULL, 0) : NULL;
    if (folder == NULL && working == NULL && errno == ENOMEM) {
        return NULL;
    }
    /* A deleted working directory has no path; with "." the later open reports that. */
    folder = folder != NULL ? folder : working != NULL ? working : ".";
    size_t n = strlen(folder);
    char *absolute = mem_printf("%s%s%s", folder, n > 0 && folder[n - 1] == '/' ? "" : "/", path);
    free(working);
    return absolute;
}

/* The root keeps its slash. */
char *path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return mem_strdup(".");
    }
    char *folder = mem_strdup(path);
    if (folder != NULL) {
        folder[slash == path ? 1 : slash - path] = '\0';
    }
    return folder;
}

/* A leading dot starts a hidden file's name, not an extension. */
char *path_stem(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *stem = mem_strdup(slash != NULL ? slash + 1 : path);
    if (stem != NULL) {
        char *dot = strrchr(stem, '.');
        if (dot != NULL && dot != stem) {
            *dot = '\0';
        }
    }
    return stem;
}

/* What does not fit is too long to be opened. */
bool path_within(const char *folder, const char *name, char path[PATH_MAX])
{
    int n = snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return n > 0 && n < PATH_MAX;
}

bool path_holds(const char *folder, const char *name)
{
    char path[PATH_MAX];
    return path_within(folder, name, path) && access(path, F_OK) == 0;
}

/* The name must be longer than the ending: ".npy" alone is a hidden file, not one of that kind. */
bool path_ends_with(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    return n > m && strcmp(path + n - m, ending) == 0;
}
