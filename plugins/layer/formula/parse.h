/* parse.h: parse the text of a formula into a program. The grammar:
 *
 *   equations  = equation { "|" equation }
 *   equation   = NAME [ [ shape ] "'" ] "=" sum
 *   sum        = product { ("+" | "-") product }
 *   product    = signed { ("*" | "/" | "@") signed }
 *   signed     = ("-" | "+") signed | power
 *   power      = operand [ "^" signed ]
 *   operand    = NUMBER | NAME [ shape ] | FUNCTION "(" sum ")" | "(" sum ")" | choice
 *              | "dot" "(" sum "," sum ")"
 *   shape      = "[" NUMBER [ [ "," ] NUMBER ] "]"
 *   choice     = ("min" | "max") "(" sum "," sum ")" | "if" "(" condition "," sum "," sum ")"
 *   condition  = sum ("<" | "<=" | ">" | ">=") sum
 *
 * Thus -x^2 is -(x^2) and 2^3^2 is 2^9. NAME' is the derivative of a component; a plain NAME is an
 * intermediate, which later equations may use. t is the time.
 *
 * x[3]' is the derivative of a vector of three components, A[2,2]=1 0 0 1 a constant matrix, row by
 * row; x[0] and A[0,1] in an expression are elements, from 0. All goes element by element, a number
 * with each of them; A @ x is the product of matrices and vectors, a vector on the left being a
 * row. sum, dot and norm of vectors and matrices are numbers. They are functions before a "("
 * alone.
 *
 * A choice computes what it leaves out, too, which has to be finite. Bounds are a=LOW:HIGH, each a
 * number, -inf or inf: a learned constant in there is low + softplus(w), high - softplus(w) or low
 * + (high - low) sigmoid(w) of a weight w, which starts where the constant does. */
#ifndef ODEON_LAYER_FORMULA_PARSE_H
#define ODEON_LAYER_FORMULA_PARSE_H
#include "names.h"
#include "odeon/host.h"
#include "program.h"

/* The options of a formula, as typed. */
typedef struct formula_text {
    const char *equations;
    const char *constants, *learn, *bounds; /* NULL: none */
    const char *inputs, *outputs; /* NULL: the components in the order of their equations */
} formula_text;

/* Fills in p, which must be zeroed, and params [PROGRAM_MAX_PARAMS]. ODEON_ERR_CONFIG with the
 * mistake and its column; ODEON_ERR_NOMEM. */
odeon_status formula_parse(const odeon_host *host, const formula_text *text, program *p,
                           formula_param *params);

#endif
