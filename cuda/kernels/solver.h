/* solver.h: what a solver does with states and slots. */
#ifndef ODEON_CUDA_KERNELS_SOLVER_H
#define ODEON_CUDA_KERNELS_SOLVER_H
#include "moving.h"
#include "odeon/device_solver.h"
#include "vector.h"

typedef struct slots_write_args {
    double *slots;
    int32_t first, n;
    double values[ODEON_MAX_PARTS];
} slots_write_args;

typedef struct stages_args {
    double *slots;
    double c[ODEON_MAX_STAGES];
    int32_t n, reserved0;
} stages_args;

typedef struct control_args {
    double *slots;
    odeon_control control;
    int32_t phase, reserved0; /* of step_start */
} control_args;

/* Another pass of a loop within a recording: while slots[slot] is 0, and passes are left. first:
 * passes of them, else what the pass before left in *left. */
typedef struct loop_args {
    const double *slots;
    int64_t *left;
    uint64_t condition; /* of the loop's node, which is set */
    int64_t passes;
    int32_t slot, first;
} loop_args;

typedef struct back_args {
    double *slots;
} back_args;

typedef struct back_pass_args {
    back_args of;
    loop_args pass;
} back_pass_args;

/* The sum of coefficient[i] * x[i] over i < n. */
typedef struct kernel_terms {
    const double *slots;
    int32_t n, reserved0;
    odeon_scalar coefficient[ODEON_MAX_STAGES];
    const void *x[ODEON_MAX_STAGES];
} kernel_terms;

/* y = base + terms; base NULL: 0. aligned: all operands lie where vectors may. */
typedef struct lincomb_args {
    void *y;
    const void *base;
    int64_t count;
    int32_t aligned, reserved0;
    kernel_terms terms;
} lincomb_args;

/* to[block] = what this block's elements add up to. */
typedef struct error_sum_args {
    double *to;
    const void *y0, *y1;
    int64_t count;
    double rtol, atol;
    const double *rtol_each, *atol_each;
    int64_t n_each;
    int32_t norm, aligned;
    kernel_terms terms;
} error_sum_args;

/* Elements [first, first + count) of what is summed up, by blocks blocks from block on, of threads
 * threads; each: their tolerances are n_each, else all have one. */
typedef struct error_part {
    int64_t first, count, n_each;
    int32_t block, blocks, threads, aligned;
} error_part;

/* to[block] of all parts: blocks of a part add up what those of an error_sum of it do. */
typedef struct error_parts_args {
    error_sum_args of;
    int32_t n, reserved0;
    error_part part[ODEON_MAX_PARTS];
} error_parts_args;

/* Sum i is what from[first] to from[first + count - 1] come to, joined by threads threads. */
typedef struct judged_sum {
    int32_t first, count, slot, threads;
} judged_sum;

enum {
    JUDGED_SUMS = 16, /* at most in one block: shared memory holds a number a thread of each */
    JUDGE_PHASES = 1 + KERNEL_TREE_PHASES
};

/* The end of a trial step. pass: of judge_pass alone. */
typedef struct judge_args {
    control_args of;
    const double *from;
    int32_t n_sums, n_times;
    judged_sum sum[JUDGED_SUMS];
    double c[ODEON_MAX_STAGES];
    loop_args pass;
} judge_args;

typedef struct dot_args {
    double *to;
    const void *a, *b;
    int64_t count;
    int32_t aligned, reserved0;
} dot_args;

/* *to = from[0] to from[count - 1], added up or their maximum as norm says. */
typedef struct join_args {
    double *to;
    const double *from;
    int64_t count;
    int32_t norm, reserved0;
} join_args;

/* Both as a norm says: what a and b come to, NaN where one is. */
KERNEL_FN double kernel_join(int32_t norm, double a, double b)
{
    if (norm == ODEON_NORM_MAX) {
        return a > b || a != a ? a : b;
    }
    return a + b;
}

/* As kernel_tree_sum, which see. */
KERNEL_FN void kernel_tree_join(int32_t phase, kernel_thread w, double *shared, int32_t norm)
{
    int32_t half = w.threads >> phase;
    if (w.thread < half) {
        shared[w.thread] = kernel_join(norm, shared[w.thread], shared[w.thread + half]);
    }
}

/* What a thread has of the numbers that are joined. */
KERNEL_FN double kernel_join_from(int32_t norm, const double *from, int64_t count, int32_t thread,
                                  int32_t threads)
{
    double sum = 0.0;
    for (int64_t i = thread; i < count; i += threads) {
        sum = kernel_join(norm, sum, from[i]);
    }
    return sum;
}

/* One block. */
KERNEL_FN void join(int32_t phase, const join_args *a, kernel_thread w, void *shared)
{
    double *sums = (double *)shared;
    if (phase == 0) {
        sums[w.thread] = kernel_join_from(a->norm, a->from, a->count, w.thread, w.threads);
        return;
    }
    kernel_tree_join(phase, w, sums, a->norm);
    if (phase == KERNEL_TREE_PHASES && w.thread == 0) {
        *a->to = sums[0];
    }
}

KERNEL_FN void slots_write(int32_t phase, const slots_write_args *a, kernel_thread w, void *shared)
{
    (void)phase;
    (void)shared;
    for (int32_t i = w.thread; i < a->n; i += w.threads) {
        a->slots[a->first + i] = a->values[i];
    }
}

KERNEL_FN void stages(int32_t phase, const stages_args *a, kernel_thread w, void *shared)
{
    (void)phase;
    (void)shared;
    for (int32_t i = w.thread; i < a->n; i += w.threads) {
        a->slots[ODEON_SLOT_STAGE_T + i] =
            a->slots[ODEON_SLOT_T] + a->c[i] * a->slots[ODEON_SLOT_H];
    }
}

#endif
