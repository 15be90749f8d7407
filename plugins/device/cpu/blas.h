/* blas.h: load OpenBLAS at run time with kernels that fit this machine. OpenBLAS chooses its
 * kernels and starts its threads in its constructor, and falls back to kernels several times slower
 * on processors newer than itself. So the environment is prepared before the library is loaded, and
 * the choice is read back. */
#ifndef ODEON_CPU_BLAS_H
#define ODEON_CPU_BLAS_H
#include <stdint.h>

/* The functions used, resolved with dlsym. handle NULL means no OpenBLAS, with the reason; the
 * others are then not valid. */
typedef struct cpu_blas {
    void *handle; /* NULL: not available; never closed */
    void (*sgemm)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                  const float *a, int pitch_a, const float *b, int pitch_b, float beta, float *c,
                  int pitch_c);
    void (*dgemm)(int order, int trans_a, int trans_b, int m, int n, int k, double alpha,
                  const double *a, int pitch_a, const double *b, int pitch_b, double beta,
                  double *c, int pitch_c);
    /* Acquires and releases the buffer into which one product packs its operands; NULL: not
     * exported. */
    void *(*buffer_take)(int unused);
    void (*buffer_return)(void *buffer);
    int32_t threads;  /* threads used for one product */
    char version[16]; /* "0.3.21" */
    char core[24];    /* "SkylakeX" */
    char asked[24];   /* OPENBLAS_CORETYPE as OpenBLAS saw it; "": unset */
    char reason[160]; /* why handle is NULL */
} cpu_blas;

/* The OpenBLAS core type for this processor; NULL: leave the choice to OpenBLAS. */
const char *cpu_blas_core_wanted(void);

/* Sets OPENBLAS_CORETYPE and OPENBLAS_NUM_THREADS unless they are set, loads libopenblas.so.0 and
 * fills in out. Changes the environment, so no other thread may read it meanwhile. [main] */
void cpu_blas_load(cpu_blas *out);

/* Address space that one concurrent product needs. */
#define CPU_BLAS_BUFFER_BYTES (UINT64_C(128) << 20)

/* Makes OpenBLAS map the buffers for n concurrent products now, because versions up to 0.3.29 retry
 * a failing mapping for ever. Returns 0 if there is no address space; no product may then be run
 * with it. n is one more than at the previous call. [main] */
int32_t cpu_blas_reserve(const cpu_blas *blas, int32_t n);

#endif
