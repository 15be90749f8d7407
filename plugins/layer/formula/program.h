/* program.h: equations as a list of values in static single assignment form. Each value is made
 * from earlier ones by one operator of the device. The parser writes the list; run.h evaluates it
 * forward and backward.
 *
 * A value holds one number per row: a sample, or a sample at one of its times. While the list is
 * written, constants are folded and equal values are merged. */
#ifndef ODEON_LAYER_FORMULA_PROGRAM_H
#define ODEON_LAYER_FORMULA_PROGRAM_H
#include "odeon/device_pointwise.h"
#include <stdint.h>

enum {
    PROGRAM_MAX_VALUES = 1024,
    PROGRAM_MAX_OUTPUTS = 256,
    PROGRAM_MAX_PARAMS = 256 /* learnable constants */
};

enum {
    VALUE_CONSTANT = 0, /* the number shift; never an operand, at most an output */
    VALUE_INPUT,        /* component id of the input */
    VALUE_TIME,         /* t */
    VALUE_PARAM,        /* learnable constant id */
    VALUE_AFFINE,       /* scale * a + shift */
    VALUE_BINARY,       /* a, b by ODEON_BINARY_ id */
    VALUE_UNARY,        /* ODEON_UNARY_ id of a */
    VALUE_POWER,        /* a ^ scale */
    VALUE_STEP          /* 1 where a > 0, else 0; its derivative counts as 0 */
};

/* One value. Operands a and b have smaller numbers than the value itself, so one pass up evaluates
 * and one pass down differentiates. Fields from live on are set by program_finish. */
typedef struct program_value {
    int32_t kind, id, a, b;
    double scale, shift;
    int32_t live;  /* 1: an output depends on it */
    int32_t place; /* index among the live values; -1: not live, or CONSTANT */
    int32_t kept;  /* index among the values that the vjp reads; -1: none */
    /* Index among the live values that depend on the time alone: made of t, learnable constants and
     * numbers, t among them, or an operand of such a value. -1: none. */
    int32_t timed;
    int32_t edge; /* 1: timed, and an output or an operand of a value that is not timed */
    int32_t reserved0;
} program_value;

/* A program. values [n]; outputs [n_outputs] are numbers of values. */
typedef struct program {
    int32_t n, n_outputs, n_inputs, n_params;
    int32_t n_live, n_kept, n_timed, uses_t;
    program_value values[PROGRAM_MAX_VALUES];
    int32_t outputs[PROGRAM_MAX_OUTPUTS];
} program;

/* Errors that the functions below return in place of a value. */
enum {
    PROGRAM_FULL = -1,         /* more than PROGRAM_MAX_VALUES values */
    PROGRAM_NOT_FINITE = -2,   /* a constant is infinite or NaN */
    PROGRAM_NOT_CONSTANT = -3, /* an exponent is not constant */
    PROGRAM_ZERO = -4          /* division by a constant 0 */
};

/* Each returns the number of the value for the operation, new or existing, or an error. */
int32_t program_constant(program *p, double value);
int32_t program_input(program *p, int32_t component);
int32_t program_time(program *p);
int32_t program_param(program *p, int32_t index);
int32_t program_affine(program *p, int32_t a, double scale, double shift);
int32_t program_binary(program *p, int32_t id, int32_t a, int32_t b);
int32_t program_unary(program *p, int32_t id, int32_t a);
int32_t program_power(program *p, int32_t a, int32_t exponent);
int32_t program_step(program *p, int32_t a);
/* a where the step is 1, b where it is 0: step a + (1 - step) b, so that both have to be finite. */
int32_t program_choose(program *p, int32_t step, int32_t a, int32_t b);

/* Does the vjp of a unary id read its operand rather than its result? See device_pointwise.h. */
int program_reads_operand(int32_t id);

/* After program_finish: is t, or an affine function of it, an operand of values that are not timed?
 * There it is rounded if the dtype is float32. */
int program_rounds_time(const program *p);

/* After the outputs are set: determines which values are needed and assigns their indices. */
void program_finish(program *p);

#endif
