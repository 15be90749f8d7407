/* device_lanes.h: rows of one batch that step each by itself: what a device may have beside its
 * family solver, asked for by id.
 *
 * Each row of such a solve has a control block of its own, ODEON_SLOTS doubles as of
 * device_solver.h, and so its own time, step size, error and decisions. An operator here does to
 * every row what the operator of its name in device_solver.h does to a vector, with the row's own
 * block, and leaves the same bits: a row does not depend on those beside it.
 *
 * ENTRIES. Rows that have come to their end drop out of a solve while the others go on. So a call
 * lists whom it is for: entry i < n obeys control block block[i], and is row row[i] of the vectors,
 * [rows, width] with one width throughout. No two entries of a call share a block or a row that is
 * written. Lists lie in device memory.
 *
 * Extension; draft. To be seen before it is frozen: solves that a device carries out alone. */
#ifndef ODEON_DEVICE_LANES_H
#define ODEON_DEVICE_LANES_H
#include "odeon/device_solver.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ODEON_DEVICE_LANES "odeon.device.lanes/1"

/* Growing. Whom a call is for. */
typedef struct odeon_lanes {
    uint32_t struct_size, reserved0;
    double *slots;        /* F64 [blocks, ODEON_SLOTS] */
    const int32_t *block; /* [n] */
    const int32_t *row;   /* [n]; NULL: entry i is row i */
    int64_t n;            /* entries, maybe 0 */
} odeon_lanes;

/* Slots [first, first + count) of each entry's block = values[i]. */
typedef struct odeon_lanes_write {
    uint32_t struct_size, flags; /* none yet */
    const odeon_lanes *lanes;
    const double *values; /* [n, count] in host memory, copied */
    int32_t first, count;
} odeon_lanes_write;

/* y[i] = slots [first, first + count) of each entry's block. */
typedef struct odeon_lanes_read {
    uint32_t struct_size, flags; /* none yet */
    const odeon_lanes *lanes;
    double *y; /* [n, count] on the device */
    int32_t first, count;
} odeon_lanes_read;

/* t[k][i] = T + c[k] H of each entry's block, k < count <= ODEON_MAX_STAGES: the times of count
 * evaluations, each as fields take it. */
typedef struct odeon_lanes_times {
    uint32_t struct_size, flags; /* none yet */
    const odeon_lanes *lanes;
    const double *c; /* [count] in host memory, copied */
    double *t;       /* [count, n] on the device */
    int32_t count, reserved0;
} odeon_lanes_times;

/* Row by row y = base + sum over k < n of coefficient[k] * x[k]; base NULL: 0, and n 0: a copy of
 * base. y may be base or any x where it is the same row of it. n <= ODEON_MAX_STAGES. */
typedef struct odeon_lanes_lincomb {
    uint32_t struct_size, flags; /* none yet */
    const odeon_lanes *lanes;
    const odeon_tensor *y;           /* [rows, width] */
    const odeon_view *base;          /* [rows, width] */
    const odeon_view *const *x;      /* [n] of [rows, width] */
    const odeon_scalar *coefficient; /* [n], of each entry by its own block; not read with weight */
    const double *weight; /* [n, entries] on the device: coefficients of each entry; or NULL */
    const int32_t *y_row; /* [entries] on the device: rows of y alone; NULL: as all others */
    const int32_t *x_row; /* [n, entries] on the device: rows of x[k], -1 leaves the term out; NULL:
                             as all others */
    int32_t n, reserved0;
} odeon_lanes_lincomb;

/* slots[slot] of each entry's block = error_sum of its row: sum of squares or maximum of what is
 * made of y0, y1 and n vectors x; n_each of control counts from the row's begin. */
typedef struct odeon_lanes_error_sum {
    uint32_t struct_size, flags; /* none yet */
    const odeon_lanes *lanes;
    const odeon_control *control;
    const odeon_view *y0, *y1;       /* [rows, width] */
    const odeon_view *const *x;      /* [n] of [rows, width] */
    const odeon_scalar *coefficient; /* [n], of each entry by its own block */
    int32_t n, slot;
} odeon_lanes_error_sum;

/* step_control, or with a phase of 0 to 4 that phase of step_start, of each entry's block; control
 * has no log. */
typedef struct odeon_lanes_step {
    uint32_t struct_size, flags; /* none yet */
    const odeon_lanes *lanes;
    const odeon_control *control;
    int32_t phase, reserved0; /* of step_start alone */
} odeon_lanes_step;

/* Row y_row[i] of y = row x_row[i] of x, i < n; x and y of one dtype and width, not overlapping. No
 * row is written twice. */
typedef struct odeon_lanes_move {
    uint32_t struct_size, flags;  /* none yet */
    const odeon_view *x;          /* [rows, width] */
    const odeon_tensor *y;        /* [rows, width] */
    const int32_t *x_row, *y_row; /* [n] on the device; NULL: i */
    int64_t n;
} odeon_lanes_move;

/* Growing. Every slot: [worker; evaluation]. */
typedef struct odeon_device_lanes {
    uint32_t struct_size, reserved0;
    /* The family whose bits these are: with another one samples are solved one by one. */
    const odeon_solver_family *solver;
    odeon_status (*write)(odeon_queue *queue, const odeon_lanes_write *call);
    odeon_status (*read)(odeon_queue *queue, const odeon_lanes_read *call);
    odeon_status (*times)(odeon_queue *queue, const odeon_lanes_times *call);
    odeon_status (*lincomb)(odeon_queue *queue, const odeon_lanes_lincomb *call);
    odeon_status (*error_sum)(odeon_queue *queue, const odeon_lanes_error_sum *call);
    odeon_status (*step_control)(odeon_queue *queue, const odeon_lanes_step *call);
    odeon_status (*step_start)(odeon_queue *queue, const odeon_lanes_step *call);
    odeon_status (*move)(odeon_queue *queue, const odeon_lanes_move *call);
    /* (optional) From here on, until it is called with 0, what layers ask of this queue gives a row
     * the same bits whatever rows are beside it, and however many: products that do not are
     * computed in another way. Sums over rows, as gradients of parameters are, excepted. NULL: it
     * is always so. [worker; batch] */
    odeon_status (*apart)(odeon_queue *queue, int32_t on);
} odeon_device_lanes;

#ifdef __cplusplus
}
#endif
#endif
