/* stepper.h: a method for y' = f(t, y) whose step is a sequence of verbs. The loop (step control,
 * output times, limits, records, gradients) belongs to the host; a method says how one step is
 * made. What is a Runge-Kutta method is said as data instead, by the interface TABLEAU (tableau.h).
 *
 * The host sees every verb, so it fuses combinations with the error norm, keeps what gradients
 * need, and reverses any step: a method gets the exact gradient of its steps without writing
 * a derivative. Draft. */
#ifndef ODEON_STEPPER_H
#define ODEON_STEPPER_H
#include "odeon/abi.h"
#include "odeon/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* HANDLES: vectors of the state's shape, named by number. */
enum {
    ODEON_HANDLE_Y0 = 0, /* state at the start of the step; read only */
    ODEON_HANDLE_Y1 = 1, /* state at its end; must be written */
    ODEON_HANDLE_ERROR =
        2, /* error estimate; combine only; must be written if embedded_order > 0 */
    /* CARRY passes from step to step. The host stores it, gives the old one back after a rejected
     * step, and differentiates through it. */
    ODEON_HANDLE_CARRY_IN = 16,  /* + i; read only; zero at index 0 unless start fills it */
    ODEON_HANDLE_CARRY_OUT = 32, /* + i; every one must be written */
    ODEON_HANDLE_WORK = 64       /* + i; stages among them */
};
#define ODEON_MAX_CARRY 16
#define ODEON_MAX_WORK  128
#define ODEON_MAX_EVALS 40 /* evaluations of a step */
#define ODEON_MAX_TERMS 40 /* of one combination */

/* (alpha + beta * h) * x */
typedef struct odeon_term {
    double alpha, beta;
    int32_t x, reserved0;
} odeon_term;

/* A step under way. Every handle is written once and before it is read. */
typedef struct odeon_step {
    uint32_t struct_size;
    int32_t reserved0;
    /* Steps accepted since the start (of the solve, or since h changed under FIXED_H). What a
     * method does may depend on it and on its options, on nothing else. */
    int64_t index;
    void *self;
    /* k = f(t + c h, y). [worker; step] */
    odeon_status (*eval)(void *self, int32_t k, double c, int32_t y);
    /* out = sum over i < n of terms[i]; a single term with alpha 1, beta 0 costs nothing.
     * [worker; step] */
    odeon_status (*combine)(void *self, int32_t out, int32_t n, const odeon_term *terms);
} odeon_step;

enum {
    ODEON_STEPPER_FIXED_H = 1 << 0, /* valid for equal steps: when h changes, index starts at 0 */
    ODEON_STEPPER_UNIFORM = 1 << 1  /* the verbs of a step are the same at every index: a device may
                                       carry a whole adaptive solve out by one of them */
};

typedef struct odeon_stepper_info {
    uint32_t struct_size;
    int32_t flags;
    int32_t order, embedded_order; /* embedded_order 0: fixed steps only */
    int32_t n_carry, n_work;
} odeon_stepper_info;

/* The ops of the interface STEPPER. No hidden state: what passes from step to step is carry. */
typedef struct odeon_stepper_ops {
    uint32_t struct_size, reserved0;
    odeon_status (*describe)(void *self, odeon_stepper_info *out); /* [worker; build] */
    /* Fills CARRY_OUT from Y0 before the first step; NULL: carry starts at zero. */
    odeon_status (*start)(void *self, const odeon_step *step); /* [worker; solve] */
    /* One step, said in verbs. The host records them and carries them out later, as often as it
     * likes: for a retry with another h, for the reverse of the step. For one index they are
     * always the same. */
    odeon_status (*step)(void *self, const odeon_step *step); /* [worker; step] */
    /* Reserved for methods that verbs do not describe; NULL until a host calls them. */
    void (*step_vjp)(void);
    void (*inverse)(void);
} odeon_stepper_ops;

#ifdef __cplusplus
}
#endif
#endif
