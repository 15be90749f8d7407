#define _POSIX_C_SOURCE 200809L
#include "blas.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cpu_blas_core_wanted(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
        return "SkylakeX";
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return "Haswell";
    }
#endif
    return NULL;
}

static void prepare_environment(cpu_blas *out)
{
    const char *wanted = cpu_blas_core_wanted();
    if (wanted != NULL) {
        (void)setenv("OPENBLAS_CORETYPE", wanted, 0);
    }
    (void)setenv("OPENBLAS_NUM_THREADS", "1", 0);
    const char *asked = getenv("OPENBLAS_CORETYPE");
    (void)snprintf(out->asked, sizeof out->asked, "%s", asked != NULL ? asked : "");
}

/* ISO C has no conversion from an object's address to a function's; POSIX promises that they have
 * the same form. */
static int32_t find(cpu_blas *out, const char *name, void *function, size_t bytes)
{
    void *address = dlsym(out->handle, name);
    if (address == NULL) {
        (void)snprintf(out->reason, sizeof out->reason, "it has no function %s", name);
        out->handle = NULL;
        return 0;
    }
    memcpy(function, &address, bytes);
    return 1;
}

/* config is "OpenBLAS 0.3.21 DYNAMIC_ARCH ...". */
static void read_version(const char *config, cpu_blas *out)
{
    if (sscanf(config, "OpenBLAS %15s", out->version) != 1) {
        (void)snprintf(out->version, sizeof out->version, "unknown");
    }
}

void cpu_blas_load(cpu_blas *out)
{
    char *(*core)(void), *(*config)(void);
    int (*threads)(void);
    void (*set_threads)(int);
    int32_t chosen = getenv("OPENBLAS_NUM_THREADS") != NULL;
    *out = (cpu_blas){0};
    prepare_environment(out);
    out->handle = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (out->handle == NULL) {
        const char *reason = dlerror();
        (void)snprintf(out->reason, sizeof out->reason, "%s", reason != NULL ? reason : "?");
        return;
    }
    if (!find(out, "cblas_sgemm", &out->sgemm, sizeof out->sgemm) ||
        !find(out, "cblas_dgemm", &out->dgemm, sizeof out->dgemm) ||
        !find(out, "openblas_get_corename", &core, sizeof core) ||
        !find(out, "openblas_get_config", &config, sizeof config) ||
        !find(out, "openblas_get_num_threads", &threads, sizeof threads) ||
        !find(out, "openblas_set_num_threads", &set_threads, sizeof set_threads)) {
        return;
    }
    if (!chosen && threads() != 1) { /* somebody else had loaded it before */
        set_threads(1);
    }
    out->threads = threads();
    (void)snprintf(out->core, sizeof out->core, "%s", core());
    read_version(config(), out);
}
