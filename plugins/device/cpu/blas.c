#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, setenv */
#include "blas.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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

/* One thread per product, as parallelism comes from the workers. Values that the user set are
 * kept. */
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

/* Resolves a required function. memcpy, because ISO C does not convert object pointers to function
 * pointers; POSIX guarantees the same representation. */
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

/* Resolves an optional function; NULL if it is not exported. */
static void find_optional(const cpu_blas *blas, const char *name, void *function, size_t bytes)
{
    void *address = dlsym(blas->handle, name);
    memcpy(function, &address, bytes);
}

/* config is "OpenBLAS 0.3.21 DYNAMIC_ARCH ...". */
static void read_version(const char *config, cpu_blas *out)
{
    if (sscanf(config, "OpenBLAS %15s", out->version) != 1) {
        (void)snprintf(out->version, sizeof out->version, "unknown");
    }
}

/* All required functions must exist: a library of the same name without them is not used. */
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
    find_optional(out, "blas_memory_alloc", &out->buffer_take, sizeof out->buffer_take);
    find_optional(out, "blas_memory_free", &out->buffer_return, sizeof out->buffer_return);
    /* already loaded by another library, before the environment was set */
    if (!chosen && threads() != 1) {
        set_threads(1);
    }
    out->threads = threads();
    (void)snprintf(out->core, sizeof out->core, "%s", core());
    read_version(config(), out);
}

/* ---- buffers ---- */

/* Is there address space for bytes and a margin for the rest of the run? Only maps and unmaps,
 * touches nothing. */
static int32_t has_room(uint64_t bytes)
{
    static const uint64_t margin = UINT64_C(32) << 20;
    void *trial = mmap(NULL, (size_t)(bytes + margin), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return trial != MAP_FAILED && munmap(trial, (size_t)(bytes + margin)) == 0;
}

/* OpenBLAS keeps mapped buffers and reuses them for any thread, so acquiring n at the same time
 * makes it map n. */
int32_t cpu_blas_reserve(const cpu_blas *blas, int32_t n)
{
    if (blas->buffer_take == NULL || blas->buffer_return == NULL) {
        return has_room((uint64_t)n * CPU_BLAS_BUFFER_BYTES);
    }
    void **taken = has_room(CPU_BLAS_BUFFER_BYTES) ? malloc((size_t)n * sizeof *taken) : NULL;
    int32_t all = taken != NULL, count = 0;
    while (all && count < n) {
        taken[count] = blas->buffer_take(0);
        all = taken[count] != NULL;
        count += all;
    }
    for (int32_t i = 0; i < count; i++) {
        blas->buffer_return(taken[i]);
    }
    free(taken);
    return all;
}
