/* clean.h: make text safe for a terminal. Names come from files, INIs and plugins, which may be
 * hostile; characters that move the cursor, change colours or reverse the direction of text are
 * shown as escapes, \x1b or \u202e, and so are bytes that are not UTF-8. Everything that the
 * program writes to standard output and standard error for people to read passes through here. */
#ifndef ODEON_CORE_BASE_CLEAN_H
#define ODEON_CORE_BASE_CLEAN_H
#include <stdbool.h>
#include <stdio.h>

/* Creates a stream that cleans what is written to it, keeping line breaks and tabs, and passes it
 * on to `to` (borrowed). Returns NULL without memory. Close it before `to`. */
FILE *clean_stream(FILE *to);

/* Copies text as one line: line breaks and tabs become blanks, the rest is cleaned. At most size
 * bytes with the NUL are written; text is cut between characters and never within an escape.
 * Returns false if it was cut. text and out must not overlap. */
bool clean_line(const char *text, char *out, size_t size);

#endif
