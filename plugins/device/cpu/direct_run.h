/* direct_run.h: direct convolutions of a whole batch, by one thread or several. */
#ifndef ODEON_CPU_DIRECT_RUN_H
#define ODEON_CPU_DIRECT_RUN_H
#include "direct.h"
#include "odeon/device.h"
#include "threads.h"

/* One convolution, or its gradient by x or by w, all of it in the dtype of kernels. */
typedef struct cpu_conv_call {
    odeon_queue *queue;
    const cpu_kernels *kernels;
    cpu_threads *threads; /* NULL: the worker's own alone */
    const cpu_convolution *shape;
    cpu_way way;
    cpu_conv_mode mode;
    uint32_t dtype;
    int32_t act;      /* forward: what follows; else whose cotangents dy are, where kept is there */
    const void *x;    /* [B,C,H,W]; by x: dy [B,K,P,Q] */
    const void *w;    /* [K,weight_channels,R,S]; by w: dy [B,K,P,Q] */
    const void *bias; /* forward: [K] or NULL */
    const void *kept; /* gradients: what act gave, of dy's shape, or NULL */
    const double *t;  /* forward and by w: the times of the images, t_step apart, or NULL */
    int64_t t_step;
    const void *time_sums; /* forward: of cpu_direct, where there are times */
    void *out;             /* y [B,K,P,Q], dx [B,C,H,W] or dw, which is NULL where not wanted */
    void *dbias;           /* by w: [K] or NULL */
    const cpu_map *before; /* forward and by w: what is applied to x first, or NULL */
    int64_t group;         /* by w: the most images summed together; 0: as many as are best */
    void *scratch;
} cpu_conv_call;

void direct_run(const cpu_conv_call *call);
/* Both gradients of a direct convolution, so that dy is read once, by the worker's thread alone. */
void direct_run_both(const cpu_conv_call *by_x, const cpu_conv_call *by_w);

/* The most images summed together that both gradients take. */
int64_t direct_run_group(const cpu_conv_call *by_x, const cpu_conv_call *by_w);

/* What a call has room for behind the scratch of its way: cotangents of a group before act, and a
 * group's images after what is applied to them. */
enum { CPU_ROOM_COTANGENTS = 1 << 0, CPU_ROOM_IMAGES = 1 << 1 };

static inline int32_t cpu_rooms_of(const cpu_conv_call *call)
{
    return (call->kept != NULL ? CPU_ROOM_COTANGENTS : 0) |
           (call->before != NULL ? CPU_ROOM_IMAGES : 0);
}

/* Bytes of scratch; rooms: CPU_ROOM_*. */
int64_t direct_run_scratch(cpu_way way, cpu_conv_mode mode, const cpu_convolution *c,
                           const cpu_direct *direct, int32_t threads, int32_t rooms);

#endif
