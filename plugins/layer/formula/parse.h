/* parse.h: parse the text of a formula into a program. The grammar:
 *
 *   equations  = equation { "|" equation }
 *   equation   = NAME [ "'" ] "=" sum
 *   sum        = product { ("+" | "-") product }
 *   product    = signed { ("*" | "/") signed }
 *   signed     = ("-" | "+") signed | power
 *   power      = operand [ "^" signed ]
 *   operand    = NUMBER | NAME | FUNCTION "(" sum ")" | "(" sum ")" | choice
 *   choice     = ("min" | "max") "(" sum "," sum ")" | "if" "(" condition "," sum "," sum ")"
 *   condition  = sum ("<" | "<=" | ">" | ">=") sum
 *
 * Thus -x^2 is -(x^2) and 2^3^2 is 2^9. NAME' is the derivative of a component; a plain NAME is an
 * intermediate, which later equations may use. t is the time.
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
