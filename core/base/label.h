/* label.h: validate text from plugins and INIs before it is shown or used as a name. */
#ifndef ODEON_CORE_BASE_LABEL_H
#define ODEON_CORE_BASE_LABEL_H
#include <stdbool.h>

enum { LABEL_MAX_BYTES = 1023, LABEL_MAX_ID_BYTES = 64 };

/* Is text UTF-8 without control characters, at most LABEL_MAX_BYTES long? NULL is not. */
bool label_is_line(const char *text);
/* Letters, digits and underscores, starting with a letter, at most LABEL_MAX_ID_BYTES; NULL is
 * not. */
bool label_is_id(const char *text);
/* ID@DEVICE, both ids: the name of a layer's kernel for a device. */
bool label_is_kernel(const char *text);
/* Like an id, but lower case only: the name of an option. */
bool label_is_option_name(const char *text);
/* NULL, or words of letters, digits and underscores separated by '|': "a|b". */
bool label_is_aliases(const char *text);

/* Letters, digits and underscores, not starting with a digit: an id or a key. */
bool label_is_name(const char *text);

#endif
