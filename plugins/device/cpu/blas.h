/* blas.h: OpenBLAS, loaded at run time with the kernels that this machine can run.
 *
 * OpenBLAS chooses its kernels and starts its threads in its constructor, and does not know
 * processors younger than itself: those get kernels several times too slow. So the environment is
 * prepared before the library is loaded, and the choice is read back. */
#ifndef ODEON_CPU_BLAS_H
#define ODEON_CPU_BLAS_H
#include <stdint.h>

typedef struct cpu_blas {
    void *handle; /* NULL: there is none; it is never closed */
    void (*sgemm)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                  const float *a, int pitch_a, const float *b, int pitch_b, float beta, float *c,
                  int pitch_c);
    void (*dgemm)(int order, int trans_a, int trans_b, int m, int n, int k, double alpha,
                  const double *a, int pitch_a, const double *b, int pitch_b, double beta,
                  double *c, int pitch_c);
    /* Takes and gives back what one product packs its operands into; NULL: not exported. */
    void *(*buffer_take)(int unused);
    void (*buffer_return)(void *buffer);
    int32_t threads;  /* that it uses for one product */
    char version[16]; /* "0.3.21" */
    char core[24];    /* "SkylakeX" */
    char asked[24];   /* OPENBLAS_CORETYPE as OpenBLAS found it; "" if unset */
    char reason[160]; /* why library is NULL */
} cpu_blas;

/* The OpenBLAS core that fits this processor, or NULL where its own choice is left alone. */
const char *cpu_blas_core_wanted(void);

/* Sets OPENBLAS_CORETYPE and OPENBLAS_NUM_THREADS where they are unset, loads libopenblas.so.0
 * and fills in out. Writes the environment, so no other thread may read it meanwhile. [main] */
void cpu_blas_load(cpu_blas *out);

/* What one product at a time needs of the address space. */
#define CPU_BLAS_BUFFER_BYTES (UINT64_C(128) << 20)

/* Has OpenBLAS map the buffers that n products at a time need, so that none is mapped later: up to
 * 0.3.29 it repeats a mapping that fails without end. 0: there is no room for them, and no product
 * may be asked of it. n is one more than at the call before. [main] */
int32_t cpu_blas_reserve(const cpu_blas *blas, int32_t n);

#endif
