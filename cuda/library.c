#define _POSIX_C_SOURCE 200809L
#include "library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FLAGS = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE };

/* In the folder whose name is the first length bytes of text. */
static void *open_in(const char *folder, size_t length, const char *file)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%.*s/%s", (int)length, folder, file);
    return n > 0 && n < (int)sizeof path && access(path, R_OK) == 0 ? dlopen(path, FLAGS) : NULL;
}

/* Where the system finds it; else in the folders of the toolkit and of the Python packages that
 * this plugin was built with. */
static void *open_library(const char *file)
{
    void *library = dlopen(file, FLAGS);
    for (const char *at = CUDA_LIBRARY_FOLDERS; library == NULL && *at != '\0';) {
        size_t length = strcspn(at, ":");
        library = open_in(at, length, file);
        at += length + (at[length] == ':');
    }
    return library;
}

odeon_status cuda_library_load(const cuda_device *d, const char *file, const char *remedy, size_t n,
                               const cuda_symbol *symbols, void *table)
{
    void *library = open_library(file);
    if (library == NULL) {
        const char *reason = dlerror();
        return odeon_fail(d->host, ODEON_ERR_DEVICE,
                          "cuda: %s cannot be loaded (%s); install it or %s", file,
                          reason != NULL ? reason : "?", remedy);
    }
    for (size_t i = 0; i < n; i++) {
        void *address = dlsym(library, symbols[i].name);
        if (address == NULL) {
            return odeon_fail(d->host, ODEON_ERR_DEVICE,
                              "cuda: %s has no function %s; install another version or %s", file,
                              symbols[i].name, remedy);
        }
        memcpy((char *)table + symbols[i].offset, &address, sizeof address);
    }
    return ODEON_OK;
}
