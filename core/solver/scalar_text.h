/* scalar_text.h: the expressions of odeon/stepper.h that make a method's coefficients, as code for
 * a machine with a stack of doubles. Every operation is correctly rounded and stands alone, so that
 * a value has the same bits on every machine. */
#ifndef ODEON_CORE_SOLVER_SCALAR_TEXT_H
#define ODEON_CORE_SOLVER_SCALAR_TEXT_H
#include <stdint.h>

/* One operation. No gaps: code is compared byte by byte. */
typedef struct scalar_op {
    double number;     /* that is pushed */
    int32_t code, arg; /* SCALAR_* of scalar_text.c; which scalar is pushed, or the exponent */
} scalar_op;

enum { SCALAR_TEXT_MAX_BYTES = 240, SCALAR_FAULT_BYTES = 96 };

/* What a text may name. */
typedef struct scalar_names {
    int32_t h, h_prev, x; /* scalars that they are; h_prev or x < 0: there is none */
    int32_t work;         /* scalar that s0 is */
    uint64_t written;     /* bit i: s_i may be read */
} scalar_names;

/* At most room operations into code; how many. 0: fault says what is wrong, and where. */
int32_t scalar_text_compile(const char *text, const scalar_names *names, scalar_op *code,
                            int32_t room, char fault[SCALAR_FAULT_BYTES]);
/* Runs code that has been compiled. */
double scalar_text_run(const scalar_op *code, int32_t n, const double *scalars);

#endif
