/* device.h: a device: memory, queues, and a closed list of operators over tensors.
 *
 * A queue belongs to one worker, which alone uses it; operators of one queue take effect in call
 * order, those of two queues in any order until both have been waited for. A device with memory of
 * its own may return from an operator before its work is done.
 *
 * REPLAYABLE. Every operator below the line copies its arguments at the call (but not what tensors
 * and slots point to), allocates nothing, waits for nothing, gives no result to the host, and the
 * caller does not branch on data between two of them. That lets a device record a step once and
 * replay it. Sizes are asked first; scratch is passed in.
 *
 * Conventions of all operators. Shapes are as written; the caller guarantees them, an operator may
 * check them (ODEON_ERR_INTERNAL). Tensors of one call have one dtype, float32 or float64, unless
 * written otherwise. Any dimension may be 0: nothing to do. Outputs must not overlap inputs except
 * where "may be" says so. "adds to" accumulates, everything else overwrites. NaN and infinity are
 * passed on. Sums over many elements are taken in double, in an order fixed by the shapes alone.
 * Errors: ODEON_ERR_DEVICE, ODEON_ERR_UNSUPPORTED (dtype), ODEON_ERR_INTERNAL. Draft. */
#ifndef ODEON_DEVICE_H
#define ODEON_DEVICE_H
#include "odeon/abi.h"
#include "odeon/status.h"
#include "odeon/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct odeon_queue odeon_queue; /* opaque to all but its device */

/* SLOTS: the control block of one solve on one worker, ODEON_SLOTS doubles in device memory. The
 * numbers that steer a solver live here, so that no operator needs them from the host. */
enum {
    ODEON_SLOT_T = 0,       /* start of the step under trial */
    ODEON_SLOT_H = 1,       /* its size; negative when integrating backward */
    ODEON_SLOT_ERROR = 2,   /* its scaled error norm, written by step_control */
    ODEON_SLOT_ACCEPT = 3,  /* 1: accepted, T and H are already the next step's; 0: rejected */
    ODEON_SLOT_DONE = 4,    /* 1: T is END */
    ODEON_SLOT_STATUS = 5,  /* ODEON_STEP_* */
    ODEON_SLOT_STEPS = 6,   /* accepted so far */
    ODEON_SLOT_REJECTS = 7, /* rejected so far */
    ODEON_SLOT_HISTORY = 8, /* 2: error norms of the last two accepted steps, newest first */
    ODEON_SLOT_LAST = 10,   /* 1: H was cut so that the step ends at END */
    ODEON_SLOT_STOP = 11,   /* 1: a loop of steps ends here; odeon_control says when */
    ODEON_SLOT_TRIALS = 12, /* steps judged since step_start */
    ODEON_SLOT_TRIED = 13,  /* 2: T and H of the step that was judged last */
    ODEON_SLOT_START = 15,  /* 2: kept between the phases of step_start */
    ODEON_SLOT_ROW = 17,    /* the row that the reverse pass is at; see step_back */

    /* Given by whoever starts a solve: no operator writes them. */
    ODEON_SLOT_END = 18,   /* where the last step is cut; may be infinite: only a direction */
    ODEON_SLOT_REACH = 19, /* finite; a step that ends there or beyond, in the direction of H, is
                              the last of a loop, and is not cut */
    ODEON_SLOT_LEAST = 20, /* smaller steps are an underflow, as are those below control.h_min */
    ODEON_SLOT_LIMIT = 21, /* of TRIALS; 0: none */

    ODEON_SLOT_PROBE = 22, /* how far from T step_start evaluates the field, without sign */

    ODEON_SLOT_USER = 24,      /* 4: free for dot and the like */
    ODEON_SLOT_STAGE_T = 32,   /* ODEON_MAX_STAGES: time of each evaluation of a step */
    ODEON_SLOT_ERROR_SUM = 80, /* ODEON_MAX_PARTS: sums of squares (or maxima) per part */
    ODEON_SLOTS = 144
};
#define ODEON_MAX_PARTS  64
#define ODEON_MAX_STAGES 40

enum { ODEON_STEP_OK = 0, ODEON_STEP_NONFINITE = 1, ODEON_STEP_UNDERFLOW = 2 };

/* A row of odeon_control's log. */
enum {
    ODEON_LOG_T = 0, /* T and H of the step that was judged */
    ODEON_LOG_H = 1,
    ODEON_LOG_ERROR = 2,
    ODEON_LOG_ACCEPT = 3,
    ODEON_LOG_COLUMNS = 4
};

/* A coefficient: imm + (slot < 0 ? 0 : scale * slots[slot]), read when the operator runs. */
typedef struct odeon_scalar {
    double imm, scale;
    int32_t slot, reserved0;
} odeon_scalar;

enum { ODEON_NORM_RMS = 0, ODEON_NORM_MAX = 1 };     /* within a part */
enum { ODEON_PARTS_JOINT = 0, ODEON_PARTS_MAX = 1 }; /* parts as one vector; worst part counts */
enum { ODEON_ACCEPT_LE = 0, ODEON_ACCEPT_LT = 1 };   /* error <= 1; error < 1 */
/* The automatic first step: probed wherever its rule says, or never beyond REACH or h_max, where
 * the field need not exist. */
enum { ODEON_START_FREE = 0, ODEON_START_WITHIN = 1 };
/* x^y in factors: C's pow; or 2^(y L(x)) in float32 with the rational L, good to 1e-5, of
 * FastPower.jl: with x = 2^k (1 + u), u in [-0.25, 0.5), L = k + u (0.338953 u + 2.198599) / (u +
 * 1.523692); x^-y is then 1 / x^y. */
enum { ODEON_POWER_EXACT = 0, ODEON_POWER_FAST = 1 };
/* After a rejection: by its error alone, or by all errors as after an acceptance. */
enum { ODEON_REJECT_ERROR = 0, ODEON_REJECT_FILTER = 1 };
/* A step that follows a rejection and would reach END all the same: cut there, as any; or half of
 * what is left. */
enum { ODEON_LAST_CUT = 0, ODEON_LAST_HALVE = 1 };

/* Step control is data: a linear filter of the last three log errors with limits.
 *
 * error   per part p: RMS sqrt(ERROR_SUM[p] / count[p]) or MAX ERROR_SUM[p]; then over the parts:
 *         JOINT sqrt(sum ERROR_SUM / sum count) of RMS, else the worst, NaN before all. Parts of
 *         count 0 do not count.
 * accept  !(error <= 1) rejects, so NaN rejects (accept_rule LT: !(error < 1)).
 * factor  accepted: clip(safety * error^-beta0 * e1^-beta1 * e2^-beta2, low, high), with e1, e2
 *         the errors of the last accepted steps, low = factor_min_accept (factor_min where an error
 *         of exactly 1 is accepted), high = factor_max, on the first accepted step
 *         factor_max_first; 1 if steady_low <= 1/factor <= steady_high; error 0 gives high.
 *         rejected: max(factor_min, safety * error^-beta_reject), at most 1; under REJECT_FILTER
 *         what stands in clip above, between factor_min and factor_max_reject; not finite:
 *         factor_min.
 * history after acceptance e2 = e1, e1 = max(error, history_floor); both start at history_start.
 * next    h = factor * h, |h| at most h_max, and at least h_min but after the rejection of a step
 *         that was no larger; if it reaches END (to 100 ulp) h = END - t, LAST = 1,
 *         or, after a rejection under LAST_HALVE, h = (END - t) / 2.
 *         When a LAST step is accepted T = END exactly, DONE = 1, and h is proposed without an end.
 *         |h| < h_min or |h| < LEAST (unless LAST) or t + h == t: STATUS = ODEON_STEP_UNDERFLOW.
 * stop    STOP = 1 where DONE is, a step that ends at REACH or beyond was accepted, STATUS is
 *         ODEON_STEP_UNDERFLOW, H is not finite, TRIALS has come to LIMIT or to log_rows, or STEPS
 *         to rows; else 0. A step judged where STOP is not 0 already is none: it is not accepted,
 *         and nothing else changes. So a loop of steps may make idle passes behind its end.
 * log     row TRIALS, counted before the step is: its T, H, ERROR, ACCEPT.
 *
 * Source: Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., II.4;
 * Soderlind, ACM TOMS 29 (2003). */
typedef struct odeon_control {
    uint32_t struct_size;
    int32_t accept_rule, norm, parts_rule, n_parts, reserved0;
    int64_t count[ODEON_MAX_PARTS]; /* elements of each part over all workers */
    double rtol, atol;
    /* n_each > 0: element i of a part has tolerances rtol_each[i mod n_each] and atol_each[i mod
     * n_each] in place of the two above; arrays on the device. Of error_sum alone. */
    int64_t n_each;
    const double *rtol_each, *atol_each;
    double safety, factor_min, factor_max, factor_max_first, factor_min_accept;
    double beta[3], beta_reject;
    double history_start, history_floor;
    double steady_low, steady_high; /* 1, 1: no band */
    double h_min, h_max;            /* 0 and infinity: no limit */
    double start_exponent;          /* 1 / p of step_start */
    int64_t rows;                   /* of what is kept of accepted steps; 0: no limit */
    int64_t log_rows;               /* of log; of step_control alone, like log */
    double *log; /* [log_rows, ODEON_LOG_COLUMNS] on the device; NULL: none, log_rows is not read */
    int32_t start_rule, power_rule, reject_rule,
        last_rule;            /* ODEON_START_, POWER_, REJECT_, LAST_ */
    double factor_max_reject; /* REJECT_FILTER */
} odeon_control;

/* Pointwise functions. unary_vjp is given what the last column names: y = f(x), or x itself. */
enum {
    ODEON_UNARY_IDENTITY = 0, /* y */
    ODEON_UNARY_RELU,         /* y   max(x, 0); derivative 0 at 0 */
    ODEON_UNARY_TANH,         /* y */
    ODEON_UNARY_SOFTPLUS,     /* y   log(1 + exp(x)); x itself above 20, as PyTorch's; derivative 1
                                 there */
    ODEON_UNARY_SIGMOID,      /* y */
    ODEON_UNARY_EXP,          /* y */
    ODEON_UNARY_SQRT,         /* y */
    ODEON_UNARY_RECIPROCAL,   /* y */
    ODEON_UNARY_LOG,          /* x */
    ODEON_UNARY_SQUARE,       /* x */
    ODEON_UNARY_SIN,          /* x */
    ODEON_UNARY_COS,          /* x */
    ODEON_UNARY_ABS,          /* x */
    ODEON_UNARY_COUNT
};
/* The ids up to SIGMOID may also stand in an epilogue. */
#define ODEON_UNARY_LAST_EPILOGUE ODEON_UNARY_SIGMOID

#define ODEON_POWER_PRODUCTS 64

enum {
    ODEON_BINARY_ADD = 0,
    ODEON_BINARY_SUB,
    ODEON_BINARY_MUL,
    ODEON_BINARY_DIV,
    ODEON_BINARY_COUNT
};

/* What a product does to its result before it is stored: add bias, then apply a unary id. */
typedef struct odeon_epilogue {
    const odeon_tensor *bias; /* NULL: none. gemm: [N]; conv2d: [K], one a filter */
    int32_t act, reserved0;
} odeon_epilogue;

typedef struct odeon_conv2d {
    int32_t stride_h, stride_w, padding_h, padding_w; /* zeros are padded */
} odeon_conv2d;

enum { ODEON_POOL_AVG = 0, ODEON_POOL_MAX = 1 };
typedef struct odeon_pool2d {
    int32_t kind, kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w, reserved0;
} odeon_pool2d;

/* Which part of every image window2d takes. */
typedef struct odeon_window2d {
    int32_t padding; /* rows and columns of zeros on all four sides of the image */
    int32_t random;  /* 0: the window stands in the middle (rounded up and left); 1: anywhere */
    double flip_probability; /* that it is mirrored left to right */
} odeon_window2d;

/* How far x is from its target, d = x - target: SQUARE d^2; ABS |d|, derivative 0 at 0; SMOOTH
 * d^2 / (2 beta) where |d| < beta, else |d| - beta / 2 (beta > 0), as PyTorch's SmoothL1Loss. */
enum {
    ODEON_DIFFERENCE_SQUARE = 0,
    ODEON_DIFFERENCE_ABS = 1,
    ODEON_DIFFERENCE_SMOOTH = 2,
    ODEON_DIFFERENCE_COUNT
};

/* Constants of one Adam update; see adam_step. */
typedef struct odeon_adam {
    double lr, beta1, beta2, epsilon, decay_l2, decay_decoupled;
    int64_t step; /* counts from 1 */
} odeon_adam;

/* Constants of one RMSprop update; see rmsprop_step. */
typedef struct odeon_rmsprop {
    double lr, alpha, epsilon, decay, momentum;
} odeon_rmsprop;

typedef struct odeon_device_ops {
    uint32_t struct_size;
    /* What device = auto prefers: the highest that probes well. Negative: only by name. */
    int32_t rank;

    /* ---- set-up and transfer; may wait and allocate ---- */

    /* Usable on this machine? If not, the reason goes to the host. [main] */
    odeon_status (*probe)(void *device);
    /* A short line on what runs the operators ("OpenBLAS SkylakeX, AVX-512"), at most bytes long
     * with its NUL; written to the run's manifest. [main] */
    odeon_status (*describe)(void *device, char *text, uint64_t bytes);
    /* A queue for worker, used by its thread alone. [worker] */
    odeon_status (*queue_create)(void *device, int32_t worker, odeon_queue **out);
    void (*queue_destroy)(odeon_queue *queue); /* waits for it; takes NULL */
    /* Device memory, aligned to at least 64 bytes, contents undefined; 0 bytes give some address.
     * ODEON_ERR_NOMEM says how much was asked. Never called within a step. [any] */
    odeon_status (*alloc)(void *device, uint64_t bytes, void **out);
    /* Takes NULL. Operators called before, on any queue, may still use it: waits for them. [any]
     */
    void (*free)(void *device, void *memory);
    /* Host memory to device and back. After upload source may be reused, unless it is pinned
     * (ODEON_DEVICE_PINNED); download has waited. */
    odeon_status (*upload)(odeon_queue *queue, void *destination, const void *source,
                           uint64_t bytes);
    odeon_status (*download)(odeon_queue *queue, void *destination, const void *source,
                             uint64_t bytes);
    /* values[i] = slots[first + i], i < n. Waits. */
    odeon_status (*slots_read)(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                               double *values);
    odeon_status (*wait)(odeon_queue *queue); /* until all operators so far have taken effect */

    /* ---- REPLAYABLE from here on ---- */

    /* -- moving -- */
    /* y = x. Same dtype (any) and count. */
    odeon_status (*copy)(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y);
    /* y = scale * x + shift, from any dtype to F32, F64 or I64 (towards zero; INT64_MIN for what
     * I64 does not hold). Same count. */
    odeon_status (*cast)(odeon_queue *queue, const odeon_tensor *x, double scale, double shift,
                         const odeon_tensor *y);
    /* y[r, ...] = what cast makes of x[index[r], ...]: x [N, ...], y [n, ...], index I64 [n], each
     * in 0 .. N - 1, in any order, repeats allowed. */
    odeon_status (*gather)(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *index,
                           double scale, double shift, const odeon_tensor *y);
    /* y = value everywhere. */
    odeon_status (*fill)(odeon_queue *queue, const odeon_tensor *y, odeon_scalar value,
                         const double *slots);
    /* y[r * y_pitch + y_at + c] = x[r * x_pitch + x_at + c] for r < rows, c < cols: elements. */
    odeon_status (*copy2d)(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y,
                           int64_t rows, int64_t cols, int64_t x_pitch, int64_t x_at,
                           int64_t y_pitch, int64_t y_at);
    /* y[r * pitch + at + c] = v[r], or v[0] if v holds one number; v is F64 [1] or [rows]. */
    odeon_status (*rows_fill)(odeon_queue *queue, const odeon_tensor *y, int64_t rows, int64_t cols,
                              int64_t pitch, int64_t at, const odeon_tensor *v);
    /* Adds the sum over c of x[r * pitch + at + c] to v[r], or to v[0] if v holds one number. */
    odeon_status (*rows_sum)(odeon_queue *queue, const odeon_tensor *x, int64_t rows, int64_t cols,
                             int64_t pitch, int64_t at, const odeon_tensor *v);

    /* -- solver -- */
    /* slots[first + i] = values[i], i < n <= ODEON_MAX_PARTS. */
    odeon_status (*slots_write)(odeon_queue *queue, double *slots, int32_t first, int32_t n,
                                const double *values);
    /* slots[STAGE_T + i] = slots[T] + c[i] * slots[H], i < n <= ODEON_MAX_STAGES. */
    odeon_status (*stage_times)(odeon_queue *queue, int32_t n, const double *c, double *slots);
    /* y = base + sum over i < n of coefficient[i] * x[i]; base NULL: 0. All of one count;
     * y may be base or any x. n <= ODEON_MAX_STAGES. */
    odeon_status (*lincomb)(odeon_queue *queue, const odeon_tensor *y, const odeon_tensor *base,
                            int32_t n, const odeon_tensor *const *x,
                            const odeon_scalar *coefficient, const double *slots);
    /* slots[slot] = the sum of squares (ODEON_NORM_RMS) or the maximum (ODEON_NORM_MAX; NaN wins)
     * over the elements of e / (atol + rtol * max(|y0|, |y1|)), an element's own tolerances where
     * control has them, with e = sum over i < n of coefficient[i] * x[i]. */
    odeon_status (*error_sum)(odeon_queue *queue, const odeon_control *control,
                              const odeon_tensor *y0, const odeon_tensor *y1, int32_t n,
                              const odeon_tensor *const *x, const odeon_scalar *coefficient,
                              double *slots, int32_t slot);
    /* slots[slot] = sum of a * b. */
    odeon_status (*dot)(odeon_queue *queue, const odeon_tensor *a, const odeon_tensor *b,
                        double *slots, int32_t slot);
    /* Judges the step and proposes the next as odeon_control says: reads T, H, LAST, HISTORY,
     * ERROR_SUM and what is given beforehand; writes ERROR, ACCEPT, DONE, STATUS, STEPS, REJECTS,
     * HISTORY, LAST, T, H, STOP, TRIALS, TRIED and the log. STATUS is ODEON_STEP_NONFINITE when the
     * error is not finite (the step is rejected). Where STOP is not 0: ACCEPT = 0 and no more. */
    odeon_status (*step_control)(odeon_queue *queue, const odeon_control *control, double *slots);
    /* The automatic first step (Hairer, Norsett, Wanner, II.4, "starting step size"), in phases;
     * sc = atol + rtol |y0|.  0: from ERROR_SUM of y0/sc into START (d0).  1: from ERROR_SUM of
     * f0/sc (d1): h0 = 1e-6 if d0 or d1 < 1e-5 else 0.01 d0/d1, under START_WITHIN at most
     * |REACH - T| and h_max; into PROBE, and into H with the sign of END - T; d1 into START + 1.
     * 2: from ERROR_SUM of (f(T + h0, y0 + h0 f0) - f0)/sc, d2 = that / h0:
     * h1 = max(1e-6, 1e-3 h0) if d1, d2 <= 1e-15 else (0.01 / max(d1, d2))^start_exponent;
     * H = min(100 h0, h1), under START_WITHIN at most |REACH - T|, NaN if d2 is not finite; at
     * least h_min; limited to the end of the solve as step_control does. 3: H is given: only the
     * limits. 4: where phase 2 found nothing finite, a nearer probe: PROBE = |REACH - T| or h_max,
     * where one of them is less than PROBE, else PROBE / 10; into H as in phase 1, and phase 2
     * follows again. Phases 2 and 3 also set HISTORY, STEPS, REJECTS, TRIALS, ACCEPT (0), DONE (1
     * if T is END), STATUS (NONFINITE if H came out as NaN), STOP (1 if DONE, ODEON_STEP_UNDERFLOW
     * or H is not finite) to their starting values. */
    odeon_status (*step_start)(odeon_queue *queue, const odeon_control *control, int32_t phase,
                               double *slots);
    /* Where slots[slot] is not 0: y[i] = x[i], i < n <= ODEON_MAX_STAGES; else nothing. Of a pair
     * dtype, F32 or F64, and count are the same; pairs may differ. A y may be (begin where) any x
     * (begins): all are read before one is written. Two y do not overlap. */
    odeon_status (*select)(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                           const odeon_tensor *const *y, const double *slots, int32_t slot);
    /* Rows of y, with r = slots[slot]: y[i][r] = x[i], i < n <= ODEON_MAX_STAGES, where r is a
     * whole number of 0 to rows - 1; else nothing. y[i] is [rows, ...] with as many elements a row
     * as x[i] has, of one dtype, F32 or F64; pairs may differ in both, not in rows. x may be some
     * of slots, as F64. */
    odeon_status (*row_store)(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                              const odeon_tensor *const *y, const double *slots, int32_t slot);
    /* The other way: x[i] = y[i][r]. x may be some of slots, but not slots[slot]. */
    odeon_status (*row_load)(odeon_queue *queue, int32_t n, const odeon_tensor *const *y,
                             const odeon_tensor *const *x, const double *slots, int32_t slot);
    /* ROW = ROW - 1; STOP = 0 if ROW >= 0 now, else 1. */
    odeon_status (*step_back)(odeon_queue *queue, double *slots);

    /* -- pointwise -- */
    odeon_status (*unary)(odeon_queue *queue, int32_t id, const odeon_tensor *x,
                          const odeon_tensor *y); /* y may be x */
    /* dx = dy * f'; kept is y or x as the id's line says; dx may be dy or kept. */
    odeon_status (*unary_vjp)(odeon_queue *queue, int32_t id, const odeon_tensor *kept,
                              const odeon_tensor *dy, const odeon_tensor *dx);
    odeon_status (*binary)(odeon_queue *queue, int32_t id, const odeon_tensor *a,
                           const odeon_tensor *b, const odeon_tensor *y); /* y may be a or b */
    /* y = scale * x^exponent; y may be x. A whole exponent up to ODEON_POWER_PRODUCTS in magnitude
     * is so many multiplications, and a division where it is negative; any other is C's pow. */
    odeon_status (*power)(odeon_queue *queue, double scale, double exponent, const odeon_tensor *x,
                          const odeon_tensor *y);

    /* -- products -- */
    /* c[M,N] = alpha * op(a) op(b) + beta * c, then the epilogue (NULL: none; with bias or act beta
     * is 0). op(a) [M,K] is a or, with trans_a, a[K,M] transposed; op(b) [K,N] likewise.
     * With beta 0 c is not read. K = 0: the sum is 0. */
    odeon_status (*gemm)(odeon_queue *queue, int32_t trans_a, int32_t trans_b, double alpha,
                         const odeon_tensor *a, const odeon_tensor *b, double beta,
                         const odeon_tensor *c, const odeon_epilogue *epilogue);
    /* bias[C] += sum over B and S of x[B,C,S]. */
    odeon_status (*channel_sum)(odeon_queue *queue, const odeon_tensor *x,
                                const odeon_tensor *bias);
    /* Bytes of scratch that each of the three convolutions below needs; x[B,C,H,W], w[K,C,R,S].
     * Not queued; no data is looked at. */
    uint64_t (*conv2d_scratch)(void *device, const odeon_conv2d *geometry, const odeon_tensor *x,
                               const odeon_tensor *w);
    /* y[B,K,P,Q] = cross-correlation of x[B,C,H,W] with w[K,C,R,S], then the epilogue (may be
     * NULL); P = (H + 2 padding_h - R) / stride_h + 1, rounded down, Q likewise. */
    odeon_status (*conv2d)(odeon_queue *queue, const odeon_conv2d *geometry, const odeon_tensor *x,
                           const odeon_tensor *w, const odeon_epilogue *epilogue,
                           const odeon_tensor *y, void *scratch);
    odeon_status (*conv2d_vjp_x)(odeon_queue *queue, const odeon_conv2d *geometry,
                                 const odeon_tensor *w, const odeon_tensor *dy,
                                 const odeon_tensor *dx, void *scratch);
    /* adds to dw[K,C,R,S] */
    odeon_status (*conv2d_vjp_w)(odeon_queue *queue, const odeon_conv2d *geometry,
                                 const odeon_tensor *x, const odeon_tensor *dy,
                                 const odeon_tensor *dw, void *scratch);

    /* -- pooling, normalization -- */
    /* y[B,C,P,Q] from x[B,C,H,W]; P, Q as in conv2d. AVG divides by kernel_h * kernel_w, padded
     * zeros included, as PyTorch's AvgPool2d. MAX takes the largest that is not padding (none:
     * -infinity), the first of equals in row-major order; NaN is larger than all, the last of
     * several counts; as PyTorch's MaxPool2d. */
    odeon_status (*pool2d)(odeon_queue *queue, const odeon_pool2d *geometry, const odeon_tensor *x,
                           const odeon_tensor *y);
    odeon_status (*pool2d_vjp)(odeon_queue *queue, const odeon_pool2d *geometry,
                               const odeon_tensor *x, const odeon_tensor *dy,
                               const odeon_tensor *dx); /* x: MAX only, else NULL */
    /* x[B,C,S] in groups of C/groups channels (groups divides C): y = (x - mean) * rstd * w[C] +
     * b[C], variance biased, rstd = 1 / sqrt(variance + epsilon); w and b may both be NULL (1, 0).
     * stats F64 [B,groups,2] receives mean and rstd.
     * Source: Wu, He, Group Normalization, 2018, eqs. 1 to 6. */
    odeon_status (*group_norm)(odeon_queue *queue, int32_t groups, double epsilon,
                               const odeon_tensor *x, const odeon_tensor *w, const odeon_tensor *b,
                               const odeon_tensor *y, const odeon_tensor *stats);
    /* dx (NULL: not wanted); adds to dw[C], db[C] (NULL: not wanted). */
    odeon_status (*group_norm_vjp)(odeon_queue *queue, int32_t groups, const odeon_tensor *x,
                                   const odeon_tensor *w, const odeon_tensor *stats,
                                   const odeon_tensor *dy, const odeon_tensor *dx,
                                   const odeon_tensor *dw, const odeon_tensor *db);
    /* Batch normalization in parts, with a collective between them; x[B,C,S]. Outputs of sums over
     * no elements are 0. out F64 [C] = the sum over B and S of x, or, given mean F64 [C], of (x -
     * mean)^2. */
    odeon_status (*channel_moment)(odeon_queue *queue, const odeon_tensor *x,
                                   const odeon_tensor *mean, const odeon_tensor *out);
    /* y[B,C,S] = act((x - mean) * rstd * w[C] + b[C]); stats F64 [2,C]: the means, then 1 / sqrt
     * (variance + epsilon); w and b may both be NULL (1, 0); act: a unary id that may stand in an
     * epilogue. Source: Ioffe, Szegedy, Batch Normalization, 2015, alg. 1. */
    odeon_status (*batch_norm)(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *stats,
                               const odeon_tensor *w, const odeon_tensor *b, int32_t act,
                               const odeon_tensor *y);
    /* sums F64 [2,C] = the sums over B and S of dy, and of dy * (x - mean) * rstd. */
    odeon_status (*batch_norm_vjp_sums)(odeon_queue *queue, const odeon_tensor *x,
                                        const odeon_tensor *stats, const odeon_tensor *dy,
                                        const odeon_tensor *sums);
    /* dx = w * rstd * (dy - sums[0] / count - (x - mean) * rstd * sums[1] / count), where count
     * numbers of each channel went into stats; infinite: stats do not depend on x. */
    odeon_status (*batch_norm_vjp)(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *w,
                                   const odeon_tensor *stats, const odeon_tensor *dy,
                                   const odeon_tensor *sums, double count, const odeon_tensor *dx);

    /* -- random --
     * Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011) turns a
     * counter, the 64 bits of an index and 64 zeros, under the 64 bits of a key into words v[0] to
     * v[3]; low halves come first. */
    /* y[i] = x[i] * (u >= p ? 1 / (1 - p) : 0), 0 <= p < 1; u in [0, 1) is made of the upper 53
     * bits of v[1] : v[0] for the index first + i. y may be x. Its own vjp, on dy. */
    odeon_status (*dropout)(odeon_queue *queue, uint64_t key, int64_t first, double p,
                            const odeon_tensor *x, const odeon_tensor *y);
    /* y[B,C,P,Q] = a window of x[B,C,H,W] with its padding, of the same place in all channels of a
     * sample; P - H and Q - W are at most 2 padding. Random: the words for the index
     * first_sample + b choose the first row, floor(v[0] n / 2^32) of the n possible ones, likewise
     * the column by v[1]. Mirrored where v[2] / 2^32 < flip_probability. */
    odeon_status (*window2d)(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                             int64_t first_sample, const odeon_tensor *x, const odeon_tensor *y);
    odeon_status (*window2d_vjp)(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                                 int64_t first_sample, const odeon_tensor *dy,
                                 const odeon_tensor *dx);

    /* -- loss and optimizers -- */
    /* x[B,K] logits, labels I64 [B]. sums F64 [2] = weight * sum of -log softmax(x)[label], and the
     * number of rows whose first largest element is the label. dx = weight * (softmax(x) - onehot)
     * (NULL: not wanted). A label outside [0, K) or a NaN row gives a NaN loss. */
    odeon_status (*softmax_cross_entropy)(odeon_queue *queue, const odeon_tensor *x,
                                          const odeon_tensor *labels, double weight,
                                          const odeon_tensor *sums, const odeon_tensor *dx);
    /* x, target, mask (NULL: 1 everywhere) and dx (NULL: not wanted) of one count; kind is one of
     * ODEON_DIFFERENCE_, of the function e. sums F64 [2] = weight * sum of mask * e, and the sum of
     * mask * |x - target|. dx = weight * mask * e'. Where mask is 0 an element adds nothing and its
     * dx is 0, whatever x and target are. */
    odeon_status (*difference_loss)(odeon_queue *queue, int32_t kind, double beta,
                                    const odeon_tensor *x, const odeon_tensor *target,
                                    const odeon_tensor *mask, double weight,
                                    const odeon_tensor *sums, const odeon_tensor *dx);
    /* g' = g + decay p; v = momentum v + g' (first: v = g'); p -= lr v, with nesterov
     * p -= lr (g' + momentum v). momentum 0: v may be NULL. All [n]. As PyTorch's SGD. */
    odeon_status (*sgd_step)(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                             const odeon_tensor *v, double lr, double momentum, double decay,
                             int32_t nesterov, int32_t first);
    /* p -= lr decay_decoupled p; g' = g + decay_l2 p; m = beta1 m + (1 - beta1) g';
     * v = beta2 v + (1 - beta2) g'^2;
     * p -= lr / (1 - beta1^step) * m / (sqrt(v) / sqrt(1 - beta2^step) + epsilon). All [n].
     * Source: Kingma, Ba, Adam, 2015, alg. 1; Loshchilov, Hutter, AdamW, 2019, alg. 2. */
    odeon_status (*adam_step)(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                              const odeon_tensor *m, const odeon_tensor *v,
                              const odeon_adam *constants);
    /* g' = g + decay p; v = alpha v + (1 - alpha) g'^2; with a mean (NULL: without)
     * mean = alpha mean + (1 - alpha) g' and d = max(v - mean^2, 0), else d = v;
     * s = g' / (sqrt(d) + epsilon); with a buffer (NULL: without) buffer = momentum buffer + s and
     * p -= lr buffer, else p -= lr s. All [n]. As PyTorch's RMSprop; source: Tieleman, Hinton,
     * Neural networks for machine learning, lecture 6.5, 2012. */
    odeon_status (*rmsprop_step)(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                                 const odeon_tensor *v, const odeon_tensor *mean,
                                 const odeon_tensor *buffer, const odeon_rmsprop *constants);

    /* ---- optional ---- */

    /* Further tables by id: ODEON_DEVICE_COUNTERS, ODEON_DEVICE_MEMORY, ODEON_DEVICE_PINNED,
     * ODEON_DEVICE_CAPTURE, ODEON_DEVICE_POISON; or NULL. [any] */
    const void *(*get_extension)(void *device, const char *id);
} odeon_device_ops;

/* A device in use: what layers, losses and optimizers are given. */
typedef struct odeon_device {
    uint32_t struct_size, reserved0;
    void *self;
    const odeon_device_ops *ops;
} odeon_device;

/* How often a device did what since it was created: operators and replays are
 * launches (operators while a queue records are not); download, slots_read and wait are waits.
 * Extension. */
#define ODEON_DEVICE_COUNTERS "odeon.device.counters/1"
typedef struct odeon_device_counters {
    uint32_t struct_size, reserved0;
    /* [any]; live_bytes: allocated and not freed */
    void (*read)(void *device, int64_t *launches, int64_t *waits, int64_t *allocs,
                 int64_t *live_bytes);
} odeon_device_counters;

/* A device whose memory is not the host's says how much of it there is. Extension. */
#define ODEON_DEVICE_MEMORY "odeon.device.memory/1"
typedef struct odeon_device_memory {
    uint32_t struct_size, reserved0;
    odeon_status (*read)(void *device, uint64_t *free_bytes, uint64_t *total_bytes); /* [any] */
} odeon_device_memory;

/* Host memory that the device copies from by itself: an upload from it returns at once, and what it
 * takes from there may not change until its queue has been waited for. Extension; draft. */
#define ODEON_DEVICE_PINNED "odeon.device.pinned/1"
typedef struct odeon_device_pinned {
    uint32_t struct_size, reserved0;
    /* Aligned to 64 bytes, contents undefined; ODEON_ERR_NOMEM. Never within a step. [any] */
    odeon_status (*alloc)(void *device, uint64_t bytes, void **out);
    void (*free)(void *device,
                 void *memory); /* takes NULL; nothing takes from it any more. [any] */
} odeon_device_pinned;

/* Recording operators, to have them done as often as wanted by one launch each time. Between begin
 * and end a queue records REPLAYABLE calls, with their arguments as they are then, and does none of
 * them. What tensors, slots and scratch point to is read and written by each replay, and has to be
 * there then. Whatever else is asked of a queue that records, and alloc and free by its thread, is
 * ODEON_ERR_DEVICE and invalidates the recording, as does a call that fails. Slots are [worker]. A
 * device with it counts its allocations (ODEON_DEVICE_COUNTERS): from them the host knows
 * whether memory may have moved. Extension; draft. */
#define ODEON_DEVICE_CAPTURE "odeon.device.capture/1"
typedef struct odeon_recording odeon_recording; /* opaque to all but its device */
typedef struct odeon_device_capture {
    uint32_t struct_size, reserved0;
    odeon_status (*begin)(odeon_queue *queue);
    /* The queue records no longer, whatever the result. A recording that is invalid, or whose loop
     * is open, is a failure, and *out NULL. May take long: a device may prepare what it can. */
    odeon_status (*end)(odeon_queue *queue, odeon_recording **out);
    /* Does what was recorded, in order and after the calls made before it: one more call that
     * waits for nothing and allocates nothing. On the queue that recorded, while it does not. */
    odeon_status (*replay)(odeon_queue *queue, const odeon_recording *recording);
    /* Before the queue is destroyed. Waits for its replays; takes NULL. */
    void (*destroy)(odeon_recording *recording);

    /* ---- optional: both or none ---- */

    /* What is recorded up to loop_end is done over and over, as long as slots[slot] is 0 when a
     * pass would begin (so perhaps never), at most passes times. Loops do not nest; slot names one
     * of ODEON_SLOTS: of steps, ODEON_SLOT_STOP. */
    odeon_status (*loop_begin)(odeon_queue *queue, const double *slots, int32_t slot,
                               int64_t passes);
    odeon_status (*loop_end)(odeon_queue *queue);
} odeon_device_capture;

/* Makes memory useless (NaN) that its owner declares free to overwrite, so that reading it before
 * writing it shows. For devices made for tests; replayable. Extension. */
#define ODEON_DEVICE_POISON "odeon.device.poison/1"
typedef struct odeon_device_poison {
    uint32_t struct_size, reserved0;
    odeon_status (*poison)(odeon_queue *queue, void *memory, uint64_t bytes);
} odeon_device_poison;

static inline odeon_scalar odeon_imm(double value)
{
    odeon_scalar s = {value, 0.0, -1, 0};
    return s;
}

/* scale * slots[slot] */
static inline odeon_scalar odeon_slot(double scale, int32_t slot)
{
    odeon_scalar s = {0.0, scale, slot, 0};
    return s;
}

#ifdef __cplusplus
}
#endif
#endif
