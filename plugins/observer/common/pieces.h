/* pieces.h: many short texts put into a line as a few long ones. */
#ifndef ODEON_PLUGINS_OBSERVER_COMMON_PIECES_H
#define ODEON_PLUGINS_OBSERVER_COMMON_PIECES_H
#include <stddef.h>
#include <string.h>

#include "odeon/observer.h"

enum { PIECES_BYTES = 2048, PIECES_BLOCK = ODEON_CELL_TEXT_BYTES };

/* What is added is in the line once pieces_end was called. */
typedef struct pieces {
    const odeon_line *line;
    size_t n;
    char text[PIECES_BYTES];
} pieces;

void pieces_begin(pieces *p, const odeon_line *line);
void pieces_add(pieces *p, const char *text);
void pieces_add_long(pieces *p, const char *text, size_t n);
void pieces_end(pieces *p); /* more may be added after it */

/* These are here because they are called some fifty times a row. */
static inline void pieces_add_bytes(pieces *p, const char *text, size_t n)
{
    if (n > sizeof p->text - p->n) {
        pieces_add_long(p, text, n);
        return;
    }
    memcpy(p->text + p->n, text, n);
    p->n += n;
}

/* Adds n <= PIECES_BLOCK bytes of text, of which PIECES_BLOCK can be read: a copy of a size that
 * the compiler knows is a few instructions. */
static inline void pieces_add_block(pieces *p, const char *text, size_t n)
{
    if (p->n > sizeof p->text - PIECES_BLOCK) {
        pieces_end(p);
    }
    memcpy(p->text + p->n, text, PIECES_BLOCK);
    p->n += n;
}

/* The same of text, then of next. */
static inline void pieces_add_blocks(pieces *p, const char *text, size_t n, const char *next,
                                     size_t n_next)
{
    if (p->n > sizeof p->text - 2 * PIECES_BLOCK) {
        pieces_end(p);
    }
    memcpy(p->text + p->n, text, PIECES_BLOCK);
    memcpy(p->text + p->n + n, next, PIECES_BLOCK);
    p->n += n + n_next;
}

#endif
