/* kernels.h: the loops of the CPU device, one table per dtype and instruction set. The sources of
 * this folder are compiled once per instruction set (kernels.cmake), each time defining two tables,
 * one per dtype, under names that the build passes in. Data pointers have the table's dtype unless
 * written otherwise. Shapes and meanings are those of the operators; counts may be 0. All
 * tables of a dtype give equal bits, except gemm, which uses fused multiply-add where available.
 * [any] */
#ifndef ODEON_CPU_KERNELS_H
#define ODEON_CPU_KERNELS_H
#include <stdint.h>

#include "odeon/device_conv.h"
#include "odeon/device_ext.h"
#include "odeon/device_loss.h"
#include "odeon/device_optimizer.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_pool.h"
#include "odeon/device_random.h"
#include "odeon/device_solver.h"

/* An image x[C,H,W] and its unrolled matrix [C*R*S, P*Q], whose columns are the windows. */
typedef struct cpu_windows {
    int64_t channels, height, width;          /* C, H, W */
    int64_t kernel_h, kernel_w;               /* R, S */
    int64_t out_h, out_w;                     /* P, Q */
    int64_t stride_h, stride_w, pad_h, pad_w; /* as in odeon_conv_geometry */
} cpu_windows;

/* x[B,C,S] in groups of C/groups channels; a group of one sample is contiguous. */
typedef struct cpu_groups {
    int64_t batch, channels, space, groups;
} cpu_groups;

/* y = act((x - mean) rstd w + b) of each channel; stats [2,C]: the means, then rstd; w and b may be
 * NULL. */
typedef struct cpu_map {
    const double *stats;
    const void *w, *b;
    int32_t act, reserved0;
} cpu_map;

/* Windows [B,C,rows,cols] of images [B,C,height,width]; see odeon_window_geometry. */
typedef struct cpu_crop {
    int64_t batch, channels, height, width, rows, cols;
    const odeon_window_geometry *geometry;
    uint64_t key, first_sample;
} cpu_crop;

/* c [m,n] = alpha op(a) [m,k] op(b) [k,n] + beta c. */
typedef struct cpu_gemm_shape {
    int32_t trans_a, trans_b;
    int64_t m, n, k;
    double alpha, beta;
} cpu_gemm_shape;

/* Rows [n,queries,cols]; sets of matrices share mask [sets,cols,each] and lengths [sets], either of
 * which may be NULL. */
typedef struct cpu_softmax {
    int64_t n, queries, cols, sets, each;
    const void *mask, *lengths;
    int32_t causal, reserved0;
} cpu_softmax;

/* What follows a product: bias [n] is added (NULL: not), then ReLU. */
typedef struct cpu_epilogue {
    const void *bias;
    int32_t relu, reserved0;
} cpu_epilogue;

/* Bytes into which a product packs its operands, aligned to 64. */
#define CPU_GEMM_WORKSPACE (400 << 10)

/* Products (../dense), one function per dtype, instruction set and length of vectors. A row of c
 * does not depend on the number of rows, to the bit. c must not overlap a, b or bias; with beta 0
 * it is not read. */
typedef void cpu_gemm_function(const cpu_gemm_shape *p, const cpu_epilogue *e, const void *a,
                               const void *b, void *c, void *workspace);
extern cpu_gemm_function cpu_gemm_f32_baseline, cpu_gemm_f64_baseline;
extern cpu_gemm_function cpu_gemm_f32_avx2_half, cpu_gemm_f64_avx2_half;
extern cpu_gemm_function cpu_gemm_f32_avx2, cpu_gemm_f64_avx2;
extern cpu_gemm_function cpu_gemm_f32_avx512, cpu_gemm_f64_avx512;
extern cpu_gemm_function cpu_gemm_f32_wide, cpu_gemm_f64_wide; /* 64 bytes by AVX2: tests */

typedef struct cpu_direct cpu_direct; /* ../direct.h */

typedef struct cpu_kernels {
    const cpu_direct *direct; /* convolutions without a matrix of windows */

    /* solver; c: the coefficients, x: the n_terms operands; lanes [ODEON_ERROR_LANES]: sums of
     * what lies before element first of the vector, and then of this piece with it */
    void (*lincomb)(int64_t count, void *y, const void *base, int32_t n_terms, const void *const *x,
                    const double *c);
    double (*error_sum)(int64_t count, const odeon_control *control, const void *y0, const void *y1,
                        int32_t n_terms, const void *const *x, const double *c, double *lanes,
                        int64_t first);
    double (*dot)(int64_t count, const void *a, const void *b);
    double (*sum)(int64_t count, const void *x);

    /* pointwise */
    void (*fill)(int64_t count, void *y, double value);
    void (*unary)(int32_t id, int64_t count, const void *x, void *y);
    void (*unary_vjp)(int32_t id, int64_t count, const void *kept, const void *dy, void *dx);
    /* dx [rows,cols] = dy f' of rows that are pitch numbers apart in kept and dy, for the ids of
     * epilogues; adds the columns' sums, which lie in sums [cols] meanwhile, to bias [cols] */
    void (*unary_vjp_columns)(int32_t id, int64_t rows, int64_t cols, int64_t pitch,
                              const void *kept, const void *dy, void *dx, void *sums, void *bias);
    void (*binary)(int32_t id, int64_t count, const void *a, const void *b, void *y);
    void (*power)(int64_t count, double scale, double exponent, const void *x, void *y);
    /* y[rows,cols] = act(y + bias), with one bias per column or per row */
    void (*bias_columns)(int32_t act, int64_t rows, int64_t cols, const void *bias, void *y);
    void (*bias_rows)(int32_t act, int64_t rows, int64_t cols, const void *bias, void *y);

    /* products and windows */
    cpu_gemm_function *gemm;
    void (*im2col)(const cpu_windows *g, const void *x, void *columns);
    /* the rows [R*S, P*Q] of a channel that is t at every pixel */
    void (*time_rows)(const cpu_windows *g, double t, void *columns);
    /* adds to x; overwrites columns */
    void (*col2im)(const cpu_windows *g, void *columns, void *x);
    void (*average)(const cpu_windows *g, const void *x, void *y);
    void (*average_vjp)(const cpu_windows *g, const void *dy, void *dx); /* adds to dx */
    void (*largest)(const cpu_windows *g, const void *x, void *y);
    void (*largest_vjp)(const cpu_windows *g, const void *x, const void *dy,
                        void *dx); /* adds to dx */
    void (*largest_jvp)(const cpu_windows *g, const void *x, const void *x_dot, void *y_dot);

    /* normalization; channel_sum ignores groups */
    void (*channel_sum)(const cpu_groups *g, const void *x, void *bias);
    void (*group_norm)(const cpu_groups *g, double epsilon, const void *x, const void *w,
                       const void *b, int32_t act, void *y, double *stats);
    /* of what act gave; dx, dw, db may be NULL */
    void (*group_norm_vjp)(const cpu_groups *g, int32_t act, const void *x, const void *w,
                           const void *b, const double *stats, const void *dy, void *dx, void *dw,
                           void *db);
    void (*channel_moment)(const cpu_groups *g, const void *x, const double *mean, double *out);
    /* means [C], and sums of squares about them [C] */
    void (*channel_moments)(const cpu_groups *g, const void *x, double *mean, double *squares);
    void (*batch_norm)(const cpu_groups *g, const void *x, const double *stats, const void *w,
                       const void *b, int32_t act, void *y);
    void (*batch_norm_vjp_sums)(const cpu_groups *g, const cpu_map *map, const void *x,
                                const void *dy, double *sums);
    void (*batch_norm_vjp)(const cpu_groups *g, const cpu_map *map, const void *x, const void *dy,
                           const double *sums, double count, void *dx);

    /* softmax of rows; dx may be dy */
    void (*softmax)(const cpu_softmax *s, const void *x, void *y);
    void (*softmax_vjp)(int64_t rows, int64_t cols, const void *y, const void *dy, void *dx);

    /* random; crops write only the overlap of window and image */
    void (*dropout)(int64_t count, uint64_t key, uint64_t first, double p, const void *x, void *y);
    void (*crop)(const cpu_crop *c, const void *x, void *y);
    void (*crop_vjp)(const cpu_crop *c, const void *dy, void *dx);

    /* loss and optimizers, which take their constants from the call; mask, dx, mean and buffer may
     * be NULL */
    void (*softmax_cross_entropy)(int64_t rows, int64_t cols, const void *x, const int64_t *labels,
                                  double weight, double *sums, void *dx);
    void (*weighed_cross_entropy)(const odeon_softmax_cross_entropy *c, const void *x,
                                  const int64_t *labels, const void *mask, double *sums, void *dx);
    void (*difference)(int64_t count, const odeon_difference_loss *d, const void *x,
                       const void *target, const void *mask, double *sums, void *dx);
    void (*sgd)(int64_t count, const odeon_sgd_step *constants, void *p, const void *g, void *v);
    void (*adam)(int64_t count, const odeon_adam_step *constants, void *p, const void *g, void *m,
                 void *v);
    void (*rmsprop)(int64_t count, const odeon_rmsprop_step *constants, void *p, const void *g,
                    void *v, void *mean, void *buffer);
} cpu_kernels;

extern const cpu_kernels cpu_kernels_f32_baseline, cpu_kernels_f64_baseline;
extern const cpu_kernels cpu_kernels_f32_avx2, cpu_kernels_f64_avx2;
extern const cpu_kernels cpu_kernels_f32_avx512, cpu_kernels_f64_avx512;

#endif
