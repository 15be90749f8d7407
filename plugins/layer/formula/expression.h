/* expression.h: what stands right of the '=', as parse.h says. */
#ifndef ODEON_LAYER_FORMULA_EXPRESSION_H
#define ODEON_LAYER_FORMULA_EXPRESSION_H
#include "names.h"
#include "program.h"
#include "scan.h"

enum { PARSE_MAX_DEPTH = 64 }; /* of brackets, signs and powers in one another */

/* One formula under way. */
typedef struct parsing {
    const odeon_host *host;
    scanner in;
    program *program;
    names names;
    formula_param *params;
    int32_t depth;
} parsing;

/* Reads a sum and writes it to the program; *out is its value. */
odeon_status parse_sum(parsing *x, int32_t *out);

/* The unary id of the function of that name; -1: there is none. */
int32_t parse_function(const scan_name *name);

/* Passes a value on, or says why there is none. at: where the operation stands. */
odeon_status parse_answer(const parsing *x, const char *at, int32_t value, int32_t *out);
/* Says that a name stands for nothing, and which ones do. */
odeon_status parse_refuse_name(const parsing *x, const scan_name *name);

#endif
