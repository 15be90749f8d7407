/* parse.h: the text of a formula to a program.
 *
 *   equations  = equation { "|" equation }
 *   equation   = NAME [ "'" ] "=" sum
 *   sum        = product { ("+" | "-") product }
 *   product    = signed { ("*" | "/") signed }
 *   signed     = ("-" | "+") signed | power
 *   power      = operand [ "^" signed ]
 *   operand    = NUMBER | NAME | FUNCTION "(" sum ")" | "(" sum ")"
 *
 * so that -x^2 is -(x^2) and 2^3^2 is 2^9. NAME' is the derivative of a component; a plain name is
 * an intermediate, for use in later equations. t is the time. */
#ifndef ODEON_LAYER_FORMULA_PARSE_H
#define ODEON_LAYER_FORMULA_PARSE_H
#include "names.h"
#include "odeon/host.h"
#include "program.h"

typedef struct formula_text {
    const char *equations;
    const char *constants, *learn; /* NULL: none */
    const char *inputs, *outputs;  /* NULL: the components, in the order of their equations */
} formula_text;

/* Fills p, which is zero, and params [PROGRAM_MAX_PARAMS]. ODEON_ERR_CONFIG with what is wrong, and
 * at which column of which option; ODEON_ERR_NOMEM. */
odeon_status formula_parse(const odeon_host *host, const formula_text *text, program *p,
                           formula_param *params);

#endif
