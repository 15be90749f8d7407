/* direct_run.h: direct convolutions of a whole batch, by one thread or several. */
#ifndef ODEON_CPU_DIRECT_RUN_H
#define ODEON_CPU_DIRECT_RUN_H
#include "direct.h"
#include "threads.h"

/* One convolution, all of it in the dtype of kernels. */
typedef struct direct_call {
    const cpu_kernels *kernels;
    cpu_threads *threads; /* NULL: the worker's own alone */
    const cpu_convolution *shape;
    cpu_way way;
    cpu_conv_mode mode;
    int32_t act, reserved0; /* forward: what follows */
    const void *x;          /* [B,C,H,W]; by x: dy [B,K,P,Q] */
    const void *w;          /* [K,C,R,S]; by w: dy [B,K,P,Q] */
    const void *bias;       /* forward: [K] or NULL */
    void *out;              /* y [B,K,P,Q], dx [B,C,H,W] or dw [K,C,R,S] */
    void *scratch;
} direct_call;

void direct_run(const direct_call *call);

/* Bytes of scratch for so many threads. */
int64_t direct_run_scratch(cpu_way way, cpu_conv_mode mode, const cpu_convolution *c,
                           const cpu_direct *direct, int32_t threads);

#endif
