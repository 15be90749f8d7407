#define _POSIX_C_SOURCE 200809L
#include "library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where the system finds it; else where the toolkit lies that this plugin was built with. */
static void *open_library(const char *file)
{
    enum { FLAGS = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE };
    char path[4096];
    void *library = dlopen(file, FLAGS);
    int length = snprintf(path, sizeof path, "%s/%s", CUDA_LIBRARY_FOLDER, file);
    if (library == NULL && length > 0 && length < (int)sizeof path && access(path, R_OK) == 0) {
        library = dlopen(path, FLAGS);
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
