/* direct.h: convolutions computed from the images themselves, without a matrix of windows. Images
 * are packed one by one or in small groups into scratch that stays in the cache, with the zeros of
 * padding around them, and results are written as NCHW. Two ways: vectors of filters, for many
 * filters, and vectors of places, for few. The loops are compiled once per instruction set and
 * dtype (folder direct). A result of an image does not depend on the images beside it. */
#ifndef ODEON_CPU_DIRECT_H
#define ODEON_CPU_DIRECT_H
#include <stdint.h>

#include "kernels/kernels.h"

/* How a convolution is computed. */
typedef enum cpu_way {
    CPU_WAY_UNROLL,  /* as a matrix of windows and a product */
    CPU_WAY_FILTERS, /* direct, vectors of filters */
    CPU_WAY_PLACES,  /* direct, vectors of places */
} cpu_way;

typedef enum cpu_conv_mode { CPU_CONV_FORWARD, CPU_CONV_VJP_X, CPU_CONV_VJP_W } cpu_conv_mode;

/* A convolution as conv.c describes it. Weights may have more channels than images, whose first is
 * channel first_channel of theirs: the one beside them is that of the time, which is the same at
 * every pixel. */
typedef struct cpu_convolution {
    cpu_windows windows;
    int64_t batch, filters;
    int64_t weight_channels, first_channel;
} cpu_convolution;

/* A part of a convolution with stride 1 or 2 in what is read, whose output (i, j) sees the inputs
 * (i * step + top + r, j * step + left + s) for r < rows, s < cols, and is the output
 * (i * spread + to_row, j * spread + to_col) of the whole. The forward convolution is one part; the
 * gradient by x of one with stride 2 is four, one for each parity of row and column. */
typedef struct direct_part {
    int64_t rows, cols, out_h, out_w;
    int64_t top, left, to_row, to_col;
    int64_t first_weight; /* where the weight of filter, channel, r, s = 0 is */
} direct_part;

enum { DIRECT_PARTS = 4 };

/* Images [channels,height,width] become [filters,out_h,out_w]: of the forward convolution or of the
 * gradient by x, where channels and filters have changed places. Packed images have pitch numbers a
 * row, border of them zeros that are the right border of one row and the left one of the next, and
 * above rows of zeros above and as many as needed below. Counts are of numbers, not of bytes. */
typedef struct direct_plan {
    int64_t channels, height, width, filters, out_h, out_w;
    int64_t step, spread;
    int64_t of_filter, of_channel, of_row, of_col; /* distances in w */
    direct_part part[DIRECT_PARTS];
    int32_t n_parts, way;
    int64_t tail;                        /* the last filters, which go by vectors of places */
    int64_t border, above, pitch, plane; /* of packed images */
    int64_t in_place;                    /* images need no packing */
    int64_t group;                       /* images packed at once */
    int64_t weights_at, bias_at, x_at, y_at, size; /* in scratch */
} direct_plan;

/* The gradient by w: x [channels,height,width] and dy [filters,out_h,out_w]. Vectors of places read
 * the channel of the time as one more plane of packed images; with vectors of filters its gradient
 * is made of sums of cotangents, as that of the bias is. */
typedef struct direct_weights_plan {
    cpu_windows windows;
    int64_t filters, weight_channels, first_channel;
    int32_t way, in_place;
    int32_t has_time, has_bias;        /* has_bias: set by who wants its gradient */
    int64_t pitch, above, plane, run;  /* of packed images, and of packed dy */
    int64_t group;                     /* images whose products are summed before they are added */
    int64_t lanes_of_filters;          /* filters rounded up to whole vectors */
    int64_t d_image;                   /* from one image of dy to the next, which may have more */
    int64_t sums_at, x_at, d_at, size; /* in scratch */
    /* In scratch: sums over rows of one image, and doubles [1 + rows * cols of the window]
     * [lanes_of_filters], those of the bias first. */
    int64_t rows_at, totals_at;
} direct_weights_plan;

/* What a step of the gradient by w reads: n images, at most a group, and the times of each, t_step
 * apart, which only a plan with time looks at. */
typedef struct direct_weights_images {
    int64_t n;
    const void *x, *dy;
    const double *t;
    int64_t t_step;
} direct_weights_images;

/* The loops of one dtype and instruction set. [any] */
struct cpu_direct {
    int64_t lanes, bytes; /* numbers of a vector; bytes of a number */
    /* Packs w [K,C,R,S] and bias [filters], which may be NULL, into scratch. */
    void (*begin)(const direct_plan *p, const void *w, const void *bias, void *scratch);
    /* x of n images, at most a group -> y of as many. */
    void (*images)(const direct_plan *p, int64_t n, const void *x, void *y, void *scratch);
    void (*weights_begin)(const direct_weights_plan *p, void *scratch);
    /* Adds to the sums in scratch what some images give. */
    void (*weights_images)(const direct_weights_plan *p, const direct_weights_images *i,
                           void *scratch);
    /* Adds the sums to dw [K,C,R,S] and dbias [K], either of which may be NULL. */
    void (*weights_end)(const direct_weights_plan *p, void *scratch, void *dw, void *dbias);
    /* How much a time of 1 adds to y: of [K,P,Q] the sums of those of the time's weights in
     * w [K,C,R,S] that see the image. */
    void (*time_sums)(const cpu_convolution *c, const void *w, void *sums);
};

extern const cpu_direct cpu_direct_f32_baseline, cpu_direct_f64_baseline;
extern const cpu_direct cpu_direct_f32_avx2, cpu_direct_f64_avx2;
extern const cpu_direct cpu_direct_f32_avx512, cpu_direct_f64_avx512;

/* Can a way compute this convolution at all? */
int32_t direct_can(cpu_way way, const cpu_convolution *c);

/* Numbers of scratch that a way, which can compute it, needs for one mode. */
int64_t direct_scratch(cpu_way way, cpu_conv_mode mode, const cpu_convolution *c, int64_t lanes,
                       int64_t bytes);

/* Images that are worked on at once. */
int64_t direct_group(cpu_way way, cpu_conv_mode mode, const cpu_convolution *c, int64_t lanes,
                     int64_t bytes);

direct_plan direct_forward(cpu_way way, const cpu_convolution *c, int64_t lanes, int64_t bytes);
direct_plan direct_vjp_x(cpu_way way, const cpu_convolution *c, int64_t lanes, int64_t bytes);
/* Leaves n filters from first on; scratch is laid out anew, and no larger. */
void direct_narrow(direct_plan *p, int64_t first, int64_t n, int64_t lanes, int64_t bytes);
direct_weights_plan direct_vjp_w(cpu_way way, const cpu_convolution *c, int64_t lanes,
                                 int64_t bytes);

#endif
