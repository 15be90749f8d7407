/* expression.h: the parser of expressions (right-hand sides), by recursive descent over the grammar
 * in parse.h. */
#ifndef ODEON_LAYER_FORMULA_EXPRESSION_H
#define ODEON_LAYER_FORMULA_EXPRESSION_H
#include "names.h"
#include "program.h"
#include "scan.h"

enum { PARSE_MAX_DEPTH = 64 }; /* of brackets, signs and powers in one another */

/* State of parsing one formula. depth bounds the recursion. */
typedef struct parsing {
    const odeon_host *host;
    scanner in;
    program *program;
    names names;
    formula_param *params;
    int32_t depth;
    operand_pool pool;
} parsing;

operand_site parse_site(parsing *x);

/* Parses a sum and appends it to the program; *out is what it comes to. */
odeon_status parse_sum(parsing *x, operand *out);
/* Parses "[" SIZE [ "," SIZE ] "]", or nothing: a number, whose rows are 0. */
odeon_status parse_shape(parsing *x, int32_t *rows, int32_t *cols);

/* The unary id of the function of this name, or -1. */
int32_t parse_function(const scan_name *name);

/* Is it min, max or if? */
bool parse_is_choice(const scan_name *name);

/* Reports an unknown name and lists the known ones. */
odeon_status parse_refuse_name(const parsing *x, const scan_name *name);

#endif
