#include "pieces.h"

/* The text is left as it is: most of it is never used. */
void pieces_begin(pieces *p, const odeon_line *line)
{
    p->line = line;
    p->n = 0;
}

void pieces_end(pieces *p)
{
    p->line->put_bytes(p->line->self, p->text, p->n);
    p->n = 0;
}

/* Texts are of few characters: a loop is done before a function that copies has begun. */
void pieces_add(pieces *p, const char *text)
{
    size_t n = p->n;
    for (char c = *text; c != '\0'; c = *++text) {
        if (n == sizeof p->text) {
            p->n = n;
            pieces_end(p);
            n = 0;
        }
        p->text[n++] = c;
    }
    p->n = n;
}

void pieces_add_long(pieces *p, const char *text, size_t n)
{
    pieces_end(p);
    if (n > sizeof p->text) {
        p->line->put_bytes(p->line->self, text, n);
        return;
    }
    memcpy(p->text, text, n);
    p->n = n;
}
