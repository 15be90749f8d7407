/* pieces.h: many short texts put into a line as a few long ones. */
#ifndef ODEON_PLUGINS_OBSERVER_COMMON_PIECES_H
#define ODEON_PLUGINS_OBSERVER_COMMON_PIECES_H
#include <stddef.h>
#include <string.h>

#include "odeon/observer.h"

enum { PIECES_BYTES = 2048, PIECES_BLOCK = ODEON_CELL_TEXT_BYTES };

/* Where the next piece goes, within text, is the caller's `to`, which every function takes and
 * returns moved on: a variable of the caller stays in a register, which counts with fifty pieces a
 * row. What is added is in the line once pieces_flush was called. */
typedef struct pieces {
    const odeon_line *line;
    char text[PIECES_BYTES];
} pieces;

static inline char *pieces_begin(pieces *p, const odeon_line *line)
{
    p->line = line;
    return p->text;
}

char *pieces_flush(pieces *p, const char *to); /* more may be added after it */
char *pieces_add(pieces *p, char *to, const char *text);
char *pieces_add_bytes(pieces *p, char *to, const char *text, size_t n);

/* Room for n <= PIECES_BYTES bytes. */
static inline char *pieces_reserve(pieces *p, char *to, size_t n)
{
    return to > p->text + PIECES_BYTES - n ? pieces_flush(p, to) : to;
}

/* Writes n <= PIECES_BLOCK bytes of text, of which PIECES_BLOCK can be read, where PIECES_BLOCK can
 * be written: a copy of a size that the compiler knows is a few instructions. */
static inline char *pieces_put_block(char *to, const char *text, size_t n)
{
    memcpy(to, text, PIECES_BLOCK);
    return to + n;
}

#endif
