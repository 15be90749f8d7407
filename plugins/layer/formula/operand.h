/* operand.h: what an expression is: a number, a vector or a matrix, each element a value of the
 * program; and the operations on them.
 *
 * Operations go element by element, a number with each element of the other operand; @ is the
 * product of matrices and vectors. */
#ifndef ODEON_LAYER_FORMULA_OPERAND_H
#define ODEON_LAYER_FORMULA_OPERAND_H
#include "program.h"
#include "scan.h"

enum {
    OPERAND_MAX_ELEMENTS = 16384, /* of all expressions of a formula together */
    OPERAND_MAX_SIZE = 256        /* of one side of a vector or a matrix */
};

/* Element i, row by row, is the value number elements[at + i] of the pool. */
typedef struct operand {
    int32_t rows, cols; /* a number: 0, 0; a vector: n, 0; a matrix: m, n */
    int32_t at;         /* -1: not defined */
} operand;

typedef struct operand_pool {
    int32_t n;
    int32_t elements[OPERAND_MAX_ELEMENTS];
} operand_pool;

/* Where operations are told of: the program they are appended to, and the text for messages, of
 * which `at` below is a position. */
typedef struct operand_site {
    const scanner *in;
    program *program;
    operand_pool *pool;
} operand_site;

int32_t operand_count(const operand *x); /* elements */
bool operand_is_number(const operand *x);
bool operand_same_shape(const operand *a, const operand *b);
/* The value of element i, of a number any i. */
int32_t operand_value(const operand_site *s, const operand *x, int32_t i);

/* Each reports what cannot be, ODEON_ERR_CONFIG, at the position at. */

/* Stores value in *out, or reports the error that it encodes (PROGRAM_*). */
odeon_status operand_answer(const operand_site *s, const char *at, int32_t value, int32_t *out);
/* Room for elements of a shape, which are not set. */
odeon_status operand_new(const operand_site *s, const char *at, int32_t rows, int32_t cols,
                         operand *out);
void operand_set(const operand_site *s, const operand *x, int32_t i, int32_t value);
/* A number that is a value of the program, or an error of it. */
odeon_status operand_number(const operand_site *s, const char *at, int32_t value, operand *out);

odeon_status operand_affine(const operand_site *s, const char *at, const operand *a, double scale,
                            double shift, operand *out);
odeon_status operand_unary(const operand_site *s, const char *at, int32_t id, const operand *a,
                           operand *out);
odeon_status operand_binary(const operand_site *s, const char *at, int32_t id, const operand *a,
                            const operand *b, operand *out);
odeon_status operand_power(const operand_site *s, const char *at, const operand *a,
                           const operand *exponent, operand *out);
/* 1 where a > b, else 0. */
odeon_status operand_step(const operand_site *s, const char *at, const operand *a, const operand *b,
                          operand *out);
/* a where the step is 1, b where it is 0. */
odeon_status operand_choose(const operand_site *s, const char *at, const operand *step,
                            const operand *a, const operand *b, operand *out);
/* a @ b: matrix by matrix, matrix by vector, vector by matrix, or of two vectors their dot. */
odeon_status operand_product(const operand_site *s, const char *at, const operand *a,
                             const operand *b, operand *out);
/* The sum of all elements; the Euclidean norm of them. */
odeon_status operand_sum(const operand_site *s, const char *at, const operand *a, operand *out);
odeon_status operand_norm(const operand_site *s, const char *at, const operand *a, operand *out);

/* "a number", "a vector of 3", "a matrix of 2 by 3". */
const char *operand_text(const operand *x, char *text, size_t bytes);

#endif
