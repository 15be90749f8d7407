#include "base/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

char *path_absolute(const char *path, const char *folder)
{
    if (path[0] == '/') {
        return mem_strdup(path);
    }
    while (path[0] == '.' && path[1] == '/') {
        path += 2;
    }
    char *working = folder == NULL ? getcwd(NULL, 0) : NULL; /* of any length */
    if (folder == NULL && working == NULL && errno == ENOMEM) {
        return NULL;
    }
    /* A working directory that is gone has no path: "." says so when something is opened there. */
    folder = folder != NULL ? folder : working != NULL ? working : ".";
    size_t n = strlen(folder);
    char *absolute = mem_printf("%s%s%s", folder, n > 0 && folder[n - 1] == '/' ? "" : "/", path);
    free(working);
    return absolute;
}

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

bool path_ends_with(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    return n > m && strcmp(path + n - m, ending) == 0;
}
