/* pieces.h: many short texts put into a line as a few long ones. */
#ifndef ODEON_PLUGINS_OBSERVER_COMMON_PIECES_H
#define ODEON_PLUGINS_OBSERVER_COMMON_PIECES_H
#include <stddef.h>

#include "odeon/observer.h"

enum { PIECES_BYTES = 2048 };

/* What is added is in the line once pieces_end was called. */
typedef struct pieces {
    const odeon_line *line;
    size_t n;
    char text[PIECES_BYTES];
} pieces;

void pieces_begin(pieces *p, const odeon_line *line);
void pieces_add(pieces *p, const char *text);
void pieces_add_bytes(pieces *p, const char *text, size_t n);
void pieces_end(pieces *p); /* more may be added after it */

#endif
