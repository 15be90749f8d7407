#include "pieces.h"

char *pieces_flush(pieces *p, const char *to)
{
    p->line->put_bytes(p->line->self, p->text, (uint64_t)(to - p->text));
    return p->text;
}

char *pieces_add(pieces *p, char *to, const char *text)
{
    return pieces_add_bytes(p, to, text, strlen(text));
}

char *pieces_add_bytes(pieces *p, char *to, const char *text, size_t n)
{
    if (n > PIECES_BYTES) {
        to = pieces_flush(p, to);
        p->line->put_bytes(p->line->self, text, n);
        return to;
    }
    to = pieces_reserve(p, to, n);
    memcpy(to, text, n);
    return to + n;
}
