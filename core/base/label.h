/* label.h: is a piece of text fit to be shown, or to be a name? */
#ifndef ODEON_CORE_BASE_LABEL_H
#define ODEON_CORE_BASE_LABEL_H
#include <stdbool.h>

enum { LABEL_MAX_BYTES = 1023, LABEL_MAX_ID_BYTES = 64 };

/* UTF-8 without control characters, at most LABEL_MAX_BYTES long; NULL is not. */
bool label_is_line(const char *text);
/* Letters, digits and underscores, a letter first, at most LABEL_MAX_ID_BYTES; NULL is not. */
bool label_is_id(const char *text);
/* ID@DEVICE, of two ids: a layer's kernel for a device. */
bool label_is_kernel(const char *text);
/* The same as an id, with lower-case letters only: the name of an option. */
bool label_is_option_name(const char *text);
/* NULL, or words of letters, digits and underscores with '|' between: "a|b". */
bool label_is_aliases(const char *text);

/* Letters, digits and underscores, not starting with a digit: an id or a key. */
bool label_is_name(const char *text);

#endif
