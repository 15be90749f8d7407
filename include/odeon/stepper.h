/* stepper.h: a method for y' = f(t, y) whose step is a sequence of verbs over registers: the ops of
 * the interface STEPPER, of the kind integrator. The loop (step control, output times, limits,
 * records, gradients) belongs to the host; a method gives the verbs of one step. A
 * Runge-Kutta method is given as data instead, by the interface TABLEAU (tableau.h).
 *
 * A step names its verbs and computes nothing: the host records them and carries them out as
 * often as it likes, for a retry with another h, for the reverse of the step. So a method gets the
 * exact gradient of its steps without writing a derivative, and never sees a number of the solve.
 * Its verbs may depend on its options and on index alone. The host records them twice, and refuses
 * a method whose verbs then differ: what passes from step to step is CARRY.
 *
 * REGISTERS hold vectors of the state's shape. Each is written once in a step and before it is
 * read. SCALARS hold one number; coefficients are made of them. Step sizes are held fixed backward,
 * so that scalars are not differentiated; what they multiply is.
 *
 * VERBS
 *   EVAL      out = f(t + c h, x), or one of the terms of f (below)
 *   COMBINE   out = sum over i < n of addend[i].factor * addend[i].scalar * addend[i].x; one addend
 *             1 * ONE * x costs nothing
 *   SCALAR    scalar out = text, an expression (below)
 *   IMPLICIT  out = k with k = f(t + c h, x + g k), g = factor * scalar, not 0. Where y is a
 *             register it gets x + g k, to the bit what f was solved at. hint: a register near k,
 *             where the search begins; NONE: at 0. The host solves it sample by sample by Newton's
 *             iteration (Hairer, Wanner, Solving ODEs II, IV.8); what has no solution voids the
 *             step, which is tried smaller. Backward by the implicit function theorem.
 *   LINSOLVE, NOISE  are reserved: ODEON_ERR_UNSUPPORTED.
 *
 * TEXT of a scalar: numbers, h, h_prev (the size of the last step), w = h / h_prev, s0, s1, ...
 * (the scalars WORK + 0, 1, ... written so far), of dense x, ( ), + - * / and a minus sign, sqrt(
 * ), abs( ), and a^n with n a digit from 0 to 8: 1, a, a * a, (a * a) * a, ... Every operation is
 * one of IEEE 754 that is correctly rounded, in the order of the text: the bits are the same
 * everywhere. At most 240 characters. At index 0 there is no last step: h_prev and w are refused.
 *
 * PARTS. A method may treat parts of the state apart, as positions and velocities: it names them
 * (info.parts), and every sample's features divide into so many blocks of one length, in that
 * order; a state whose features do not so divide is refused. PART_OF(i, r) is part i of register r:
 * - COMBINE of part i of out reads part i of every x, named by PART_OF(i, x) or as x.
 * - EVAL of part i of out writes that part of f alone. Its x is named as a whole, and may be
 * written in some parts only: the method then declares that part i of f does not depend on the
 * others, which holds of separable fields (q' = v(p), p' = F(q)). The host checks it in the first
 * step of each solve, by evaluating twice with other values there, and refuses a field that is not.
 * - Otherwise a register is read as a whole where it, or each of its parts, has been written.
 * IMPLICIT and ERROR are of whole registers.
 *
 * TERMS. A method that treats a stiff term of f apart sets ODEON_STEPPER_SPLIT. Its EVAL names by
 * terms what it evaluates, ODEON_TERMS_ALL, _STIFF or _OTHER; its IMPLICIT is of the stiff term
 * alone. A field that is not a sum of a stiff term and one that is not stiff is then refused.
 * Without the flag terms is ODEON_TERMS_ALL throughout.
 *
 * LIMITS: ODEON_MAX_*, below. Methods with SCALAR, IMPLICIT or parts are carried out call by call;
 * others may be captured by a device. IMPLICIT has the limits of implicit stages (tableau.h):
 * samples that do not depend on one another, no continuous adjoint.
 *
 * Example: the explicit midpoint rule
 *   static odeon_status step(void *self, const odeon_step *s)
 *   {
 *       const odeon_addend half[] = {{1, ODEON_ONE, ODEON_Y0}, {0.5, ODEON_H, K1}};
 *       const odeon_addend full[] = {{1, ODEON_ONE, ODEON_Y0}, {1, ODEON_H, K2}};
 *       ODEON_TRY(odeon_step_eval(s, K1, 0, ODEON_Y0));
 *       ODEON_TRY(odeon_step_combine(s, M, 2, half));
 *       ODEON_TRY(odeon_step_eval(s, K2, 0.5, M));
 *       return odeon_step_combine(s, ODEON_Y1, 2, full);
 *   }
 *
 * Draft. To be seen before it is frozen: methods of others with random increments and with
 * linear solves of their own, whose verbs are reserved. */
#ifndef ODEON_STEPPER_H
#define ODEON_STEPPER_H
#include "odeon/abi.h"
#include "odeon/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Registers. */
enum {
    ODEON_NONE = -1,
    ODEON_Y0 = 0,    /* state at the start of the step; read only */
    ODEON_Y1 = 1,    /* state at its end; must be written */
    ODEON_YX = 2,    /* of dense: y(t + x h); must be written there */
    ODEON_ERROR = 4, /* error estimate; COMBINE only; must be written if embedded_order > 0 */
    /* CARRY passes from step to step. The host keeps it, gives the old one back after a rejected
     * step, records it, and differentiates through it. */
    ODEON_CARRY_IN = 16,   /* + i; read only; zero at index 0 unless start fills it */
    ODEON_CARRY_OUT = 272, /* + i; every one must be written */
    ODEON_WORK = 1024      /* + i */
};
#define ODEON_PART_OF(part, r) ((r) | ((part) + 1) << 16)

/* Scalars. */
enum {
    ODEON_ONE = 0,
    ODEON_H = 1,
    ODEON_H_PREV = 2,      /* of the last accepted step; not at index 0 */
    ODEON_X = 3,           /* of dense: from 0 to 1 */
    ODEON_SCALAR_WORK = 16 /* + i */
};

#define ODEON_MAX_CARRY   16
#define ODEON_MAX_WORK    128
#define ODEON_MAX_SCALARS 32 /* of work */
#define ODEON_MAX_EVALS   40 /* EVAL and IMPLICIT of a step */
#define ODEON_MAX_ADDENDS 40 /* of one combination */
#define ODEON_MAX_STARTUP 64
#define ODEON_MAX_SPLIT   4 /* parts of a state */

enum {
    ODEON_VERB_EVAL = 1,
    ODEON_VERB_COMBINE = 2,
    ODEON_VERB_SCALAR = 3,
    ODEON_VERB_IMPLICIT = 4,
    ODEON_VERB_LINSOLVE = 5,
    ODEON_VERB_NOISE = 6
};

/* Final. factor * scalar * x */
typedef struct odeon_addend {
    double factor;
    int32_t scalar, x;
} odeon_addend;

/* Of what EVAL is; of methods with ODEON_STEPPER_SPLIT. */
enum { ODEON_TERMS_ALL = 0, ODEON_TERMS_OTHER = 1, ODEON_TERMS_STIFF = 2 };

/* Growing. What a verb does not use is 0, registers that are not there are ODEON_NONE. */
typedef struct odeon_verb {
    uint32_t struct_size;
    int32_t verb; /* ODEON_VERB_* */
    int32_t out, x, y, hint;
    int32_t scalar; /* of IMPLICIT */
    int32_t n;
    double c, factor;
    const odeon_addend *addend; /* [n]; copied in the call, like text */
    const char *text;           /* of SCALAR */
    int32_t terms, reserved0;   /* of EVAL: ODEON_TERMS_* */
} odeon_verb;

/* Growing. A step that is being recorded. */
typedef struct odeon_step {
    uint32_t struct_size, flags; /* none yet */
    /* Steps accepted since the start (of the solve, or since h changed under FIXED_H). */
    int64_t index;
    void *self; /* of verb */
    /* ODEON_ERR_PLUGIN, with register and reason, for what cannot be; ODEON_ERR_UNSUPPORTED for a
     * verb that the host does not carry out. A method passes either up. [worker; step] */
    odeon_status (*verb)(void *self, const odeon_verb *verb);
} odeon_step;

enum {
    ODEON_STEPPER_FIXED_H = 1 << 0, /* valid for equal steps: when h changes, index starts at 0 */
    ODEON_STEPPER_SPLIT = 1 << 1    /* for fields with a stiff term, which it treats apart */
};

/* Growing. Zeroed by the host, which sets struct_size. */
typedef struct odeon_stepper_info {
    uint32_t struct_size, flags;   /* ODEON_STEPPER_* */
    int32_t order, embedded_order; /* embedded_order 0: fixed steps only */
    int32_t n_carry, n_work, n_scalars;
    /* The verbs are the same from this index on; 0: in every step, so that a device may carry a
     * whole adaptive solve out by them; -1: they never settle. */
    int32_t n_startup;
    /* Steps may grow by at most so much from one to the next, as far as step control decides; more
     * than 1. 0: as step control likes. */
    double ratio_max;
    const char *const *parts; /* names of 2 to ODEON_MAX_SPLIT; ends with NULL; NULL: none */
} odeon_stepper_info;

/* Growing. */
typedef struct odeon_stepper_ops {
    uint32_t struct_size, reserved0;
    /* After init and before any field is known. [worker; build] */
    odeon_status (*describe)(void *self, odeon_stepper_info *out);
    /* (optional) Fills CARRY_OUT from Y0 before the first step, and whenever index starts at 0
     * again. h is not known yet: it has EVAL with c = 0 and COMBINE by ONE. NULL: carry starts at
     * zero. [worker; build] */
    odeon_status (*start)(void *self, const odeon_step *step);
    /* One step; twice at each index up to n_startup, beyond it where that is -1. [worker; step] */
    odeon_status (*step)(void *self, const odeon_step *step);
    /* (optional) YX = y(t + x h), x from 0 to 1, of any step: one COMBINE of Y0, Y1, CARRY_IN and
     * CARRY_OUT, by scalars of x and h, Y0 first; at x = 0 it is Y0, at x = 1 Y1. NULL: steps end
     * at the times of outputs. [worker; build] */
    odeon_status (*dense)(void *self, const odeon_step *step);
    /* (optional) The step backward, by the same h: reads Y1 and CARRY_OUT, writes Y0 and CARRY_IN,
     * to rounding; no ERROR. [worker; build] */
    odeon_status (*inverse)(void *self, const odeon_step *step);
} odeon_stepper_ops;

static inline odeon_verb odeon_verb_(int32_t kind, int32_t written, int32_t read)
{
    odeon_verb named = {(uint32_t)sizeof named,
                        kind,
                        written,
                        read,
                        ODEON_NONE,
                        ODEON_NONE,
                        ODEON_ONE,
                        0,
                        0.0,
                        0.0,
                        NULL,
                        NULL,
                        ODEON_TERMS_ALL,
                        0};
    return named;
}

/* slope = f(t + abscissa h, state) */
static inline odeon_status odeon_step_eval(const odeon_step *to, int32_t slope, double abscissa,
                                           int32_t state)
{
    odeon_verb named = odeon_verb_(ODEON_VERB_EVAL, slope, state);
    named.c = abscissa;
    return to->verb(to->self, &named);
}

/* slope = those terms of f(t + abscissa h, state) */
static inline odeon_status odeon_step_eval_terms(const odeon_step *to, int32_t slope, int32_t which,
                                                 double abscissa, int32_t state)
{
    odeon_verb named = odeon_verb_(ODEON_VERB_EVAL, slope, state);
    named.c = abscissa;
    named.terms = which;
    return to->verb(to->self, &named);
}

static inline odeon_status odeon_step_combine(const odeon_step *to, int32_t written, int32_t count,
                                              const odeon_addend *addends)
{
    odeon_verb named = odeon_verb_(ODEON_VERB_COMBINE, written, ODEON_NONE);
    named.n = count;
    named.addend = addends;
    return to->verb(to->self, &named);
}

/* written = read */
static inline odeon_status odeon_step_copy(const odeon_step *to, int32_t written, int32_t read)
{
    odeon_addend one = {1.0, ODEON_ONE, 0};
    one.x = read;
    return odeon_step_combine(to, written, 1, &one);
}

/* scalar = text: odeon_step_scalar(s, G, "h * (1 + w) / (1 + 2 * w)") */
static inline odeon_status odeon_step_scalar(const odeon_step *to, int32_t scalar, const char *text)
{
    odeon_verb named = odeon_verb_(ODEON_VERB_SCALAR, scalar, ODEON_NONE);
    named.text = text;
    return to->verb(to->self, &named);
}

/* state = base + g slope with slope = f(t + abscissa h, state), g = factor * scalar */
static inline odeon_status odeon_step_implicit(const odeon_step *to, int32_t slope, int32_t state,
                                               double abscissa, double factor, int32_t scalar,
                                               int32_t base, int32_t hint)
{
    odeon_verb named = odeon_verb_(ODEON_VERB_IMPLICIT, slope, base);
    named.y = state;
    named.hint = hint;
    named.c = abscissa;
    named.factor = factor;
    named.scalar = scalar;
    return to->verb(to->self, &named);
}

#ifdef __cplusplus
}
#endif
#endif
