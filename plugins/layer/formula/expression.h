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
} parsing;

/* Parses a sum and appends it to the program; *out is its value. */
odeon_status parse_sum(parsing *x, int32_t *out);

/* The unary id of the function of this name, or -1. */
int32_t parse_function(const scan_name *name);

/* Is it min, max or if? */
bool parse_is_choice(const scan_name *name);

/* Stores value in *out, or reports the error that it encodes (PROGRAM_*) at the position at. */
odeon_status parse_answer(const parsing *x, const char *at, int32_t value, int32_t *out);
/* Reports an unknown name and lists the known ones. */
odeon_status parse_refuse_name(const parsing *x, const scan_name *name);

#endif
