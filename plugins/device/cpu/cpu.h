/* cpu.h: internals of the CPU device. One instance serves all workers: what they share is written
 * at create and only read afterwards, except for counters and the list of queues; what one worker
 * writes is in its queue. */
#ifndef ODEON_CPU_H
#define ODEON_CPU_H
#include <pthread.h>
#include <stdatomic.h>

#include "blas.h"
#include "kernels/kernels.h"
#include "odeon/device.h"
#include "odeon/host.h"
#include "odeon/option.h"

/* Counters are atomic, as every worker changes them; lock guards the list of queues. f32 and f64
 * are the kernels of the chosen level. */
typedef struct cpu_device {
    const odeon_host *host;
    cpu_blas blas;
    int32_t use_blas;           /* CPU_BLAS_*, from the option */
    int32_t level, level_asked; /* CPU_LEVEL_*; level_asked is -1 for auto */
    const cpu_kernels *f32, *f64;
    _Atomic int64_t waits, allocs, live_bytes, retired_launches;
    pthread_mutex_t lock; /* guards queues and n_queues */
    odeon_queue *queues;
    int32_t n_queues, n_reserved; /* queues alive; concurrent products OpenBLAS has buffers for */
} cpu_device;

/* A member of the device's list; launches is atomic because read_counters reads it from another
 * thread. */
struct odeon_queue {
    cpu_device *device;
    _Atomic int64_t launches; /* written by the owning worker only */
    odeon_queue *next, *previous;
};

enum { CPU_BLAS_AUTO = 0, CPU_BLAS_OPENBLAS = 1, CPU_BLAS_OWN = 2 };
enum { CPU_LEVEL_BASELINE = 0, CPU_LEVEL_AVX2 = 1, CPU_LEVEL_AVX512 = 2 };

extern const odeon_device_ops cpu_device_ops;
extern const odeon_option cpu_option_blas, cpu_option_simd;
extern const odeon_option *const cpu_options[]; /* both options, then NULL */
odeon_status cpu_create(const odeon_host *host, const odeon_config *config, void **out);
void cpu_destroy(void *self);

/* Counts a launch and selects the kernels of dtype; ODEON_ERR_UNSUPPORTED if there are none. */
odeon_status cpu_begin(odeon_queue *queue, const char *name, int32_t dtype,
                       const cpu_kernels **out);
/* Fails with ODEON_ERR_INTERNAL unless holds: shapes are the caller's responsibility. */
odeon_status cpu_require(odeon_queue *queue, int32_t holds, const char *name, const char *what);
/* Have a and b the same dtype and count? */
int32_t cpu_alike(const odeon_tensor *a, const odeon_tensor *b);

/* c = alpha op(a) op(b) + beta c on plain addresses, by OpenBLAS or by the device's own loops. */
void cpu_multiply(odeon_queue *queue, const cpu_kernels *k, int32_t dtype, const cpu_product *p,
                  const void *a, const void *b, void *c);

/* The operators; device.h has their contracts. */
odeon_status cpu_copy(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y);
odeon_status cpu_cast(odeon_queue *queue, const odeon_tensor *x, double scale, double shift,
                      const odeon_tensor *y);
odeon_status cpu_gather(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *index,
                        double scale, double shift, const odeon_tensor *y);
odeon_status cpu_fill(odeon_queue *queue, const odeon_tensor *y, odeon_scalar value,
                      const double *slots);
odeon_status cpu_copy2d(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y,
                        int64_t rows, int64_t cols, int64_t x_pitch, int64_t x_at, int64_t y_pitch,
                        int64_t y_at);
odeon_status cpu_rows_fill(odeon_queue *queue, const odeon_tensor *y, int64_t rows, int64_t cols,
                           int64_t pitch, int64_t at, const odeon_tensor *v);
odeon_status cpu_rows_sum(odeon_queue *queue, const odeon_tensor *x, int64_t rows, int64_t cols,
                          int64_t pitch, int64_t at, const odeon_tensor *v);
odeon_status cpu_slots_write(odeon_queue *queue, double *slots, int32_t first, int32_t n,
                             const double *values);
odeon_status cpu_stage_times(odeon_queue *queue, int32_t n, const double *c, double *slots);
odeon_status cpu_lincomb(odeon_queue *queue, const odeon_tensor *y, const odeon_tensor *base,
                         int32_t n, const odeon_tensor *const *x, const odeon_scalar *coefficient,
                         const double *slots);
odeon_status cpu_error_sum(odeon_queue *queue, const odeon_control *control, const odeon_tensor *y0,
                           const odeon_tensor *y1, int32_t n, const odeon_tensor *const *x,
                           const odeon_scalar *coefficient, double *slots, int32_t slot);
odeon_status cpu_dot(odeon_queue *queue, const odeon_tensor *a, const odeon_tensor *b,
                     double *slots, int32_t slot);
odeon_status cpu_step_control(odeon_queue *queue, const odeon_control *control, double *slots);
odeon_status cpu_step_start(odeon_queue *queue, const odeon_control *control, int32_t phase,
                            double *slots);
odeon_status cpu_select(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                        const odeon_tensor *const *y, const double *slots, int32_t slot);
odeon_status cpu_row_store(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                           const odeon_tensor *const *y, const double *slots, int32_t slot);
odeon_status cpu_row_load(odeon_queue *queue, int32_t n, const odeon_tensor *const *y,
                          const odeon_tensor *const *x, const double *slots, int32_t slot);
odeon_status cpu_step_back(odeon_queue *queue, double *slots);
odeon_status cpu_unary(odeon_queue *queue, int32_t id, const odeon_tensor *x,
                       const odeon_tensor *y);
odeon_status cpu_unary_vjp(odeon_queue *queue, int32_t id, const odeon_tensor *kept,
                           const odeon_tensor *dy, const odeon_tensor *dx);
odeon_status cpu_binary(odeon_queue *queue, int32_t id, const odeon_tensor *a,
                        const odeon_tensor *b, const odeon_tensor *y);
odeon_status cpu_power(odeon_queue *queue, double scale, double exponent, const odeon_tensor *x,
                       const odeon_tensor *y);
odeon_status cpu_gemm(odeon_queue *queue, int32_t trans_a, int32_t trans_b, double alpha,
                      const odeon_tensor *a, const odeon_tensor *b, double beta,
                      const odeon_tensor *c, const odeon_epilogue *epilogue);
odeon_status cpu_channel_sum(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *bias);
uint64_t cpu_conv2d_scratch(void *device, const odeon_conv2d *geometry, const odeon_tensor *x,
                            const odeon_tensor *w);
odeon_status cpu_conv2d(odeon_queue *queue, const odeon_conv2d *geometry, const odeon_tensor *x,
                        const odeon_tensor *w, const odeon_epilogue *epilogue,
                        const odeon_tensor *y, void *scratch);
odeon_status cpu_conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d *geometry,
                              const odeon_tensor *w, const odeon_tensor *dy, const odeon_tensor *dx,
                              void *scratch);
odeon_status cpu_conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d *geometry,
                              const odeon_tensor *x, const odeon_tensor *dy, const odeon_tensor *dw,
                              void *scratch);
odeon_status cpu_pool2d(odeon_queue *queue, const odeon_pool2d *geometry, const odeon_tensor *x,
                        const odeon_tensor *y);
odeon_status cpu_pool2d_vjp(odeon_queue *queue, const odeon_pool2d *geometry, const odeon_tensor *x,
                            const odeon_tensor *dy, const odeon_tensor *dx);
odeon_status cpu_group_norm(odeon_queue *queue, int32_t groups, double epsilon,
                            const odeon_tensor *x, const odeon_tensor *w, const odeon_tensor *b,
                            const odeon_tensor *y, const odeon_tensor *stats);
odeon_status cpu_group_norm_vjp(odeon_queue *queue, int32_t groups, const odeon_tensor *x,
                                const odeon_tensor *w, const odeon_tensor *stats,
                                const odeon_tensor *dy, const odeon_tensor *dx,
                                const odeon_tensor *dw, const odeon_tensor *db);
odeon_status cpu_channel_moment(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *mean,
                                const odeon_tensor *out);
odeon_status cpu_batch_norm(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *stats,
                            const odeon_tensor *w, const odeon_tensor *b, int32_t act,
                            const odeon_tensor *y);
odeon_status cpu_batch_norm_vjp_sums(odeon_queue *queue, const odeon_tensor *x,
                                     const odeon_tensor *stats, const odeon_tensor *dy,
                                     const odeon_tensor *sums);
odeon_status cpu_batch_norm_vjp(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *w,
                                const odeon_tensor *stats, const odeon_tensor *dy,
                                const odeon_tensor *sums, double count, const odeon_tensor *dx);
odeon_status cpu_dropout(odeon_queue *queue, uint64_t key, int64_t first, double p,
                         const odeon_tensor *x, const odeon_tensor *y);
odeon_status cpu_window2d(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                          int64_t first_sample, const odeon_tensor *x, const odeon_tensor *y);
odeon_status cpu_window2d_vjp(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                              int64_t first_sample, const odeon_tensor *dy, const odeon_tensor *dx);
odeon_status cpu_softmax_cross_entropy(odeon_queue *queue, const odeon_tensor *x,
                                       const odeon_tensor *labels, double weight,
                                       const odeon_tensor *sums, const odeon_tensor *dx);
odeon_status cpu_difference_loss(odeon_queue *queue, int32_t kind, double beta,
                                 const odeon_tensor *x, const odeon_tensor *target,
                                 const odeon_tensor *mask, double weight, const odeon_tensor *sums,
                                 const odeon_tensor *dx);
odeon_status cpu_sgd_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                          const odeon_tensor *v, double lr, double momentum, double decay,
                          int32_t nesterov, int32_t first);
odeon_status cpu_adam_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                           const odeon_tensor *m, const odeon_tensor *v,
                           const odeon_adam *constants);
odeon_status cpu_rmsprop_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                              const odeon_tensor *v, const odeon_tensor *mean,
                              const odeon_tensor *buffer, const odeon_rmsprop *constants);

#endif
