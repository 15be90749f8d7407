/* device_solver.h: family solver: what a step of a solver is made of, steered by numbers on the
 * device.
 *
 * Draft. To be seen before it is frozen: solves with implicit stages on a device, and samples
 * that step by themselves in company. */
#ifndef ODEON_DEVICE_SOLVER_H
#define ODEON_DEVICE_SOLVER_H
#include "odeon/device.h"
#include "odeon/device_move.h"

#ifdef __cplusplus
extern "C" {
#endif

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

    ODEON_SLOT_PROBE = 22,    /* how far from T step_start evaluates the field, without sign */
    ODEON_SLOT_H_BEFORE = 23, /* size of the step accepted last; 0: none since step_start */

    ODEON_SLOT_USER = 24,      /* 4: free for dot and the like */
    ODEON_SLOT_STAGE_T = 32,   /* ODEON_MAX_STAGES: time of each evaluation of a step */
    ODEON_SLOT_ERROR_SUM = 80, /* ODEON_MAX_PARTS: sums of squares (or maxima) per part, of each
                                  estimate after the other */
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

enum { ODEON_NORM_RMS = 0, ODEON_NORM_MAX = 1 };     /* within a part */
enum { ODEON_PARTS_JOINT = 0, ODEON_PARTS_MAX = 1 }; /* parts as one vector; worst part counts */
enum { ODEON_ACCEPT_LE = 0, ODEON_ACCEPT_LT = 1 };   /* error <= 1; error < 1 */
/* Several estimates of one step, n0, n1, ...: n0; the largest; n0^2 / sqrt(n0^2 + 0.01 n1^2), 0
 * where both are 0. The numbers are those of ODEON_ESTIMATES_* in tableau.h. */
enum { ODEON_JOIN_FIRST = 0, ODEON_JOIN_LARGEST = 1, ODEON_JOIN_DOP853 = 2 };
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
 *         count 0 do not count. With n_estimates above 1 so each from ERROR_SUM[i * n_parts] on,
 *         and then one of all by estimate_rule; not finite if one of them is.
 * accept  !(error <= 1) rejects, so NaN rejects (accept_rule LT: !(error < 1)).
 * factor  accepted: clip(safety * error^-beta0 * e1^-beta1 * e2^-beta2, low, high), with e1, e2
 *         the errors of the last accepted steps, low = factor_min_accept (factor_min where an error
 *         of exactly 1 is accepted), high = factor_max, on the first accepted step
 *         factor_max_first; 1 if steady_low <= 1/factor <= steady_high; error 0 gives high.
 *         With alpha not 0 what stands in clip is multiplied by |h / h1|^alpha, h1 the step
 *         accepted before this one, and is at most safety * error^-(beta0 + beta1 + beta2), which
 *         stands alone where there is no h1.
 *         rejected: max(factor_min, safety * error^-beta_reject), at most 1; under REJECT_FILTER
 *         what stands in clip above, between factor_min and factor_max_reject; not finite:
 *         factor_min.
 * history after acceptance e2 = e1, e1 = max(error, history_floor); both start at history_start.
 *         H_BEFORE = h, and starts at 0.
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
 * Soderlind, ACM TOMS 29 (2003); of alpha: Gustafsson, ACM TOMS 20 (1994), and Hairer, Wanner,
 * Solving ODEs II, 2nd ed., IV.8, equation 8.25. */
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
    /* Error estimates of a step: n_estimates * n_parts is at most ODEON_MAX_PARTS; 0 counts as 1.
     * ODEON_JOIN_*. */
    int32_t n_estimates, estimate_rule;
    double alpha; /* 0: the steps before do not count */
} odeon_control;

/* slots[first + i] = values[i], i < n <= ODEON_MAX_PARTS. */
typedef struct odeon_slots_write {
    uint32_t struct_size, flags;
    double *slots;
    int32_t first, n;
    const double *values; /* in host memory, copied */
} odeon_slots_write;

/* slots[STAGE_T + i] = slots[T] + c[i] * slots[H], i < n <= ODEON_MAX_STAGES. */
typedef struct odeon_stage_times {
    uint32_t struct_size, flags;
    const double *c; /* in host memory, copied */
    double *slots;
    int32_t n, reserved0;
} odeon_stage_times;

/* y = base + sum over i < n of coefficient[i] * x[i]; base NULL: 0. All of one count; y may be base
 * or any x. n <= ODEON_MAX_STAGES. */
typedef struct odeon_lincomb {
    uint32_t struct_size, flags;
    const odeon_tensor *y;
    const odeon_view *base;
    const odeon_view *const *x;      /* [n] */
    const odeon_scalar *coefficient; /* [n] */
    const double *slots;             /* NULL where no coefficient names one */
    int32_t n, reserved0;
} odeon_lincomb;

/* slots[slot] = the sum of squares (ODEON_NORM_RMS) or the maximum (ODEON_NORM_MAX; NaN wins) over
 * the elements of e / (atol + rtol * max(|y0|, |y1|)), an element's own tolerances where control
 * has them, with e = sum over i < n of coefficient[i] * x[i]. */
typedef struct odeon_error_sum {
    uint32_t struct_size, flags;
    const odeon_control *control;
    const odeon_view *y0, *y1;
    const odeon_view *const *x;      /* [n] */
    const odeon_scalar *coefficient; /* [n] */
    double *slots;
    int32_t n, slot;
} odeon_error_sum;

/* slots[slot] = sum of a * b. */
typedef struct odeon_dot {
    uint32_t struct_size, flags;
    const odeon_view *a, *b;
    double *slots;
    int32_t slot, reserved0;
} odeon_dot;

/* Judges the step and proposes the next as odeon_control says: reads T, H, LAST, HISTORY, ERROR_SUM
 * and what is given beforehand; writes ERROR, ACCEPT, DONE, STATUS, STEPS, REJECTS, HISTORY, LAST,
 * T, H, H_BEFORE, STOP, TRIALS, TRIED and the log. STATUS is ODEON_STEP_NONFINITE when the error is
 * not finite (the step is rejected). Where STOP is not 0: ACCEPT = 0 and no more. */
typedef struct odeon_step_control {
    uint32_t struct_size, flags;
    const odeon_control *control;
    double *slots;
} odeon_step_control;

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
 * follows again. ERROR_SUM is that of one estimate. Phases 2 and 3 also set HISTORY, H_BEFORE,
 * STEPS, REJECTS, TRIALS, ACCEPT (0), DONE (1 if T is END), STATUS (NONFINITE if H came out as
 * NaN), STOP (1 if DONE, ODEON_STEP_UNDERFLOW or H is not finite) to their starting values. */
typedef struct odeon_step_start {
    uint32_t struct_size, flags;
    const odeon_control *control;
    double *slots;
    int32_t phase, reserved0;
} odeon_step_start;

/* Where slots[slot] is not 0: y[i] = x[i], i < n <= ODEON_MAX_STAGES; else nothing. Of a pair
 * dtype, F32 or F64, and count are the same; pairs may differ. A y may be (begin where) any x
 * (begins): all are read before one is written. Two y do not overlap. */
typedef struct odeon_select {
    uint32_t struct_size, flags;
    const odeon_view *const *x;   /* [n] */
    const odeon_tensor *const *y; /* [n] */
    const double *slots;
    int32_t n, slot;
} odeon_select;

/* Rows of y, with r = slots[slot]: y[i][r] = x[i], i < n <= ODEON_MAX_STAGES, where r is a whole
 * number of 0 to rows - 1; else nothing. y[i] is [rows, ...] with as many elements a row as x[i]
 * has, of one dtype, F32 or F64; pairs may differ in both, not in rows. x may be some of slots, as
 * F64. */
typedef struct odeon_row_store {
    uint32_t struct_size, flags;
    const odeon_view *const *x;   /* [n] */
    const odeon_tensor *const *y; /* [n] */
    const double *slots;
    int32_t n, slot;
} odeon_row_store;

/* The other way: x[i] = y[i][r]. x may be some of slots, but not slots[slot]. */
typedef struct odeon_row_load {
    uint32_t struct_size, flags;
    const odeon_view *const *y;   /* [n] */
    const odeon_tensor *const *x; /* [n] */
    const double *slots;
    int32_t n, slot;
} odeon_row_load;

/* ROW = ROW - 1; STOP = 0 if ROW >= 0 now, else 1. */
typedef struct odeon_step_back {
    uint32_t struct_size, flags;
    double *slots;
} odeon_step_back;

/* Growing. Every slot: [worker; evaluation]. */
struct odeon_solver_family {
    uint32_t struct_size, flags; /* none yet */
    odeon_status (*slots_write)(odeon_queue *queue, const odeon_slots_write *call);
    odeon_status (*stage_times)(odeon_queue *queue, const odeon_stage_times *call);
    odeon_status (*lincomb)(odeon_queue *queue, const odeon_lincomb *call);
    odeon_status (*error_sum)(odeon_queue *queue, const odeon_error_sum *call);
    odeon_status (*dot)(odeon_queue *queue, const odeon_dot *call);
    odeon_status (*step_control)(odeon_queue *queue, const odeon_step_control *call);
    odeon_status (*step_start)(odeon_queue *queue, const odeon_step_start *call);
    odeon_status (*select)(odeon_queue *queue, const odeon_select *call);
    odeon_status (*row_store)(odeon_queue *queue, const odeon_row_store *call);
    odeon_status (*row_load)(odeon_queue *queue, const odeon_row_load *call);
    odeon_status (*step_back)(odeon_queue *queue, const odeon_step_back *call);
};

#ifdef __cplusplus
}
#endif
#endif
