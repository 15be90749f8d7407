/* program.h: equations as a list of values, each made from earlier ones by one operator of the
 * device: what the parser writes and what is run forward and backward.
 *
 * A value is a number for every sample. What is known in advance never becomes one: constants are
 * folded while the list is written, and equal values are written once. */
#ifndef ODEON_LAYER_FORMULA_PROGRAM_H
#define ODEON_LAYER_FORMULA_PROGRAM_H
#include <stdint.h>

enum {
    PROGRAM_MAX_VALUES = 1024,
    PROGRAM_MAX_OUTPUTS = 256,
    PROGRAM_MAX_PARAMS = 64 /* learnable constants */
};

enum {
    VALUE_CONSTANT = 0, /* shift; an operand of nothing, at most an output */
    VALUE_INPUT,        /* component id of the input */
    VALUE_TIME,         /* t */
    VALUE_PARAM,        /* learnable constant id */
    VALUE_AFFINE,       /* scale * a + shift */
    VALUE_BINARY,       /* a, b by ODEON_BINARY_ id */
    VALUE_UNARY,        /* ODEON_UNARY_ id of a */
    VALUE_POWER         /* a ^ scale */
};

typedef struct program_value {
    int32_t kind, id, a, b;
    double scale, shift;
    int32_t live;  /* an output depends on it */
    int32_t place; /* among the live ones; -1: not live, or CONSTANT */
    int32_t kept;  /* its place among those that the vjp reads; -1: it does not */
    /* Its place among the live ones that belong to the time alone: made of t, learnable constants
     * and numbers, with t among them, or an operand of such a one. -1: it is none. */
    int32_t timed;
    int32_t edge; /* timed, and an output or an operand of a value that is not */
    int32_t reserved0;
} program_value;

typedef struct program {
    int32_t n, n_outputs, n_inputs, n_params;
    int32_t n_live, n_kept, n_timed, uses_t;
    program_value values[PROGRAM_MAX_VALUES];
    int32_t outputs[PROGRAM_MAX_OUTPUTS];
} program;

/* What the functions below answer in place of a value. */
enum {
    PROGRAM_FULL = -1,         /* PROGRAM_MAX_VALUES are there */
    PROGRAM_NOT_FINITE = -2,   /* a constant comes out as infinity or NaN */
    PROGRAM_NOT_CONSTANT = -3, /* an exponent that is no constant */
    PROGRAM_ZERO = -4          /* division by a constant 0 */
};

/* Each gives the number of the value that stands for what is said. */
int32_t program_constant(program *p, double value);
int32_t program_input(program *p, int32_t component);
int32_t program_time(program *p);
int32_t program_param(program *p, int32_t index);
int32_t program_affine(program *p, int32_t a, double scale, double shift);
int32_t program_binary(program *p, int32_t id, int32_t a, int32_t b);
int32_t program_unary(program *p, int32_t id, int32_t a);
int32_t program_power(program *p, int32_t a, int32_t exponent);

/* Whether the vjp of a unary id reads what goes in, not what comes out; see device.h. */
int program_reads_operand(int32_t id);

/* Once finished: does t itself, or a multiple of it with a shift, go on into values that are not
 * timed? Where those are of less precision it is rounded there. */
int program_rounds_time(const program *p);

/* Once outputs are set: which values are needed, and where they stand. */
void program_finish(program *p);

#endif
