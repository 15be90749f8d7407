/* expression.h: "id(key=value, ...)" taken apart, without looking at what it means. */
#ifndef ODEON_CORE_OPTION_EXPRESSION_H
#define ODEON_CORE_OPTION_EXPRESSION_H
#include "base/label.h"
#include "base/location.h"
#include "base/text.h"
#include "option/schema.h"

/* Name, keys and values are pieces of one block, that of id. */
typedef struct expression {
    char *id;
    size_t n;
    schema_pair *pairs; /* keys and values point into id's memory */
} expression;

enum { EXPRESSION_MAX_DEPTH = 16 }; /* of parentheses */

/* What stands behind the first comma outside of parentheses; NULL: there is none. */
const char *expression_next(const char *text);

/* Splits at commas outside parentheses ("conv2d(filters=6), relu"); items are trimmed copies. */
odeon_status schema_split(const char *text, location where, size_t *n, char ***items);
void schema_split_free(size_t n, char **items);

/* name is the key that text is the value of. A key that stands twice, a missing bracket, a value
 * without a key: ODEON_ERR_CONFIG. out is empty on failure. */
odeon_status expression_parse(const char *name, const char *text, location where,
                              const char *section, expression *out);
void expression_fini(expression *x);

#endif
