/* expression.h: "id(key=value, ...)" taken apart, without looking at what it means. */
#ifndef ODEON_CORE_OPTION_EXPRESSION_H
#define ODEON_CORE_OPTION_EXPRESSION_H
#include "option/schema.h"

typedef struct expression {
    char *id;
    size_t n;
    schema_pair *pairs; /* keys and values point into id's memory */
} expression;

enum { EXPRESSION_MAX_DEPTH = 16 }; /* of parentheses */

/* Letters, digits and underscores, not starting with a digit: an id or a key. */
bool expression_is_name(const char *text);

/* What stands behind the first comma outside of parentheses; NULL: there is none. */
const char *expression_next(const char *text);

/* Cuts blanks off both ends, in place; the result points into text. */
char *expression_trim(char *text);

/* name is the key that text is the value of. A key that stands twice, a missing bracket, a value
 * without a key: ODEON_ERR_CONFIG. out is empty on failure. */
odeon_status expression_parse(const char *name, const char *text, config_where where,
                              const char *section, expression *out);
void expression_fini(expression *x);

#endif
