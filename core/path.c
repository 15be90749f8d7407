#include "path.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"

char *path_absolute(const char *path, const char *folder)
{
    char working[PATH_MAX];
    if (path[0] == '/') {
        return mem_strdup(path);
    }
    while (path[0] == '.' && path[1] == '/') {
        path += 2;
    }
    if (folder == NULL) { /* a working directory that is gone leaves nothing better than "/" */
        folder = getcwd(working, sizeof working) != NULL ? working : "/";
    }
    size_t n = strlen(folder);
    return mem_printf("%s%s%s", folder, n > 0 && folder[n - 1] == '/' ? "" : "/", path);
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
