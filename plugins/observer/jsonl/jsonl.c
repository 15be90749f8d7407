/* jsonl: metrics.jsonl: a flat object for each row, the names of metrics.csv as keys. JSON has
 * neither NaN nor infinity (RFC 8259, 6), so that both are null. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "odeon/observer.h"
#include "odeon/plugin.h"

#include "../common/pieces.h"

/* A key with what stands around it, ',"loss":'; bytes 0: its name has to be escaped. */
typedef struct key {
    size_t at;
    uint32_t bytes;
    bool is_short; /* it can be copied as a block */
} key;

/* All rows of a run have the same columns, so that keys are made once, for the first row. Without
 * memory for them all names are escaped, row by row. */
typedef struct jsonl {
    ODEON_INSTANCE;
    int64_t n;
    key *keys; /* [n] */
    char *text;
} jsonl;

static bool is_plain(const char *name)
{
    const unsigned char *p = (const unsigned char *)name;
    while (*p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\') {
        p++;
    }
    return *p == '\0';
}

static void forget_keys(jsonl *x)
{
    x->host->free(x->host, x->keys);
    x->host->free(x->host, x->text);
    x->keys = NULL;
    x->text = NULL;
    x->n = 0;
}

static bool take_memory(jsonl *x, const odeon_event *event)
{
    enum { AROUND = 4 };           /* ,"": */
    uint64_t bytes = PIECES_BLOCK; /* the last key is read as a block, too */
    for (int64_t i = 0; i < event->n_cells; i++) {
        bytes += strlen(event->cells[i].name) + AROUND;
    }
    x->text = x->host->alloc(x->host, bytes);
    x->keys = x->host->alloc(x->host, (uint64_t)event->n_cells * sizeof *x->keys + 1);
    if (x->text == NULL || x->keys == NULL) {
        forget_keys(x);
        return false;
    }
    return true;
}

static char *add(char *to, const char *text)
{
    size_t n = strlen(text);
    memcpy(to, text, n);
    return to + n;
}

/* The file has no heading: its keys are what is made here. */
static odeon_status heading(void *self, const odeon_event *event, const odeon_line *line)
{
    jsonl *x = self;
    (void)line;
    forget_keys(x);
    if (!take_memory(x, event)) {
        return ODEON_OK;
    }
    char *to = x->text;
    for (int64_t i = 0; i < event->n_cells; i++) {
        char *begin = to;
        if (is_plain(event->cells[i].name)) {
            to = add(to, i > 0 ? ",\"" : "{\"");
            to = add(to, event->cells[i].name);
            to = add(to, "\":");
        }
        x->keys[i] = (key){.at = (size_t)(begin - x->text),
                           .bytes = (uint32_t)(to - begin),
                           .is_short = to > begin && to - begin <= PIECES_BLOCK};
    }
    x->n = event->n_cells;
    return ODEON_OK;
}

/* Through the host, which knows how. */
static char *put_escaped(pieces *p, char *to, const char *text)
{
    to = pieces_flush(p, to);
    p->line->put_json(p->line->self, text);
    return to;
}

static char *put_word(pieces *p, char *to, const odeon_cell *cell)
{
    size_t n = (size_t)cell->length;
    if (n > PIECES_BYTES - 2 || !is_plain(cell->text)) {
        return put_escaped(p, to, cell->text);
    }
    to = pieces_reserve(p, to, n + 2);
    *to++ = '"';
    memcpy(to, cell->text, n);
    to += n;
    *to++ = '"';
    return to;
}

static const char null[PIECES_BLOCK] = "null";
enum { NULL_BYTES = 4 };

static char *put_value(pieces *p, char *to, const odeon_cell *cell)
{
    if (cell->type == ODEON_CELL_WORD) {
        return put_word(p, to, cell);
    }
    return isfinite(cell->value) ? pieces_add_bytes(p, to, cell->text, (size_t)cell->length)
                                 : pieces_add_bytes(p, to, null, NULL_BYTES);
}

static char *put_name(pieces *p, char *to, bool first, const char *name)
{
    to = pieces_add(p, to, first ? "{" : ",");
    to = put_escaped(p, to, name);
    return pieces_add(p, to, ":");
}

/* A row whose keys are not made. */
static char *put_unprepared(pieces *p, char *to, const odeon_event *event)
{
    for (int64_t i = 0; i < event->n_cells; i++) {
        to = put_name(p, to, i == 0, event->cells[i].name);
        to = put_value(p, to, &event->cells[i]);
    }
    return to;
}

static char *put_key(pieces *p, char *to, const jsonl *x, const key *k, const char *name)
{
    if (k->is_short) {
        to = pieces_reserve(p, to, PIECES_BLOCK);
        return pieces_put_block(to, x->text + k->at, k->bytes);
    }
    return k->bytes > 0 ? pieces_add_bytes(p, to, x->text + k->at, k->bytes)
                        : put_name(p, to, k == x->keys, name);
}

/* Nearly all cells are a number under a short key. */
static char *put_prepared(pieces *p, char *to, const odeon_event *event, const jsonl *x)
{
    const odeon_cell *cell = event->cells;
    const char *text = x->text;
    for (const key *k = x->keys, *end = k + x->n; k < end; k++, cell++) {
        if (!k->is_short || cell->type == ODEON_CELL_WORD) {
            to = put_key(p, to, x, k, cell->name);
            to = put_value(p, to, cell);
            continue;
        }
        bool finite = isfinite(cell->value);
        to = pieces_reserve(p, to, 2 * PIECES_BLOCK);
        to = pieces_put_block(to, text + k->at, k->bytes);
        to = pieces_put_block(to, finite ? cell->text : null,
                              finite ? (size_t)cell->length : NULL_BYTES);
    }
    return to;
}

static odeon_status see(void *self, const odeon_event *event, const odeon_line *line)
{
    const jsonl *x = self;
    pieces p;
    char *to = pieces_begin(&p, line);
    to = x->n == event->n_cells ? put_prepared(&p, to, event, x) : put_unprepared(&p, to, event);
    to = pieces_reserve(&p, to, 2);
    *to++ = '}';
    *to++ = '\n';
    (void)pieces_flush(&p, to);
    return ODEON_OK;
}

static void fini(void *self)
{
    forget_keys(self);
}

static const odeon_observer_ops ops = {.struct_size = sizeof ops,
                                       .wants = ODEON_EVENT_BIT(ROW),
                                       .file = "metrics.jsonl",
                                       .heading = heading,
                                       .see = see};

ODEON_PLUGIN_OPTIONS(OBSERVER, "jsonl", &ops, "rows of the metrics as metrics.jsonl", "RFC 8259",
                     NULL, jsonl, NULL, NULL, fini);
