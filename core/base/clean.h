/* clean.h: text for a terminal. Names come from files, INIs, plugins and other people; what would
 * move the cursor, change colours or the order of signs is shown as an escape, \x1b or \u202e, and
 * so are bytes that are no UTF-8. Everything that the program writes to standard output and to
 * standard error for people to read passes here. */
#ifndef ODEON_CORE_BASE_CLEAN_H
#define ODEON_CORE_BASE_CLEAN_H
#include <stdbool.h>
#include <stdio.h>

/* A stream that passes on to `to`, borrowed and buffered there, what is written to it, cleaned but
 * for line breaks and tabs. NULL without memory. Close it before `to`. */
FILE *clean_stream(FILE *to);

/* Copies text as one line: line breaks and tabs become blanks, the rest is cleaned. What does not
 * fit into size bytes with a NUL is left out, never a part of a character or of an escape; false if
 * anything is. They may not overlap. */
bool clean_line(const char *text, char *out, size_t size);

#endif
