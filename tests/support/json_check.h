/* json_check.h: is a text JSON, to the letter of RFC 8259? */
#ifndef ODEON_TESTS_JSON_CHECK_H
#define ODEON_TESTS_JSON_CHECK_H
#include <stdbool.h>
#include <stddef.h>

/* True if all of text is one JSON value with blanks around it, in which no object has a name twice;
 * else *at is the offset of the first byte that does not fit. */
bool json_check(const char *text, size_t *at);

#endif
