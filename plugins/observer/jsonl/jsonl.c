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
    size_t at, bytes;
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
        x->keys[i] = (key){.at = (size_t)(begin - x->text), .bytes = (size_t)(to - begin)};
    }
    x->n = event->n_cells;
    return ODEON_OK;
}

/* Through the host, which knows how. */
static void put_escaped(pieces *p, const char *text)
{
    pieces_end(p);
    p->line->put_json(p->line->self, text);
}

static void put_word(pieces *p, const odeon_cell *cell)
{
    if (is_plain(cell->text)) {
        pieces_add_bytes(p, "\"", 1);
        pieces_add_bytes(p, cell->text, (size_t)cell->length);
        pieces_add_bytes(p, "\"", 1);
    } else {
        put_escaped(p, cell->text);
    }
}

static const char null[PIECES_BLOCK] = "null";
enum { NULL_BYTES = 4 };

static void put_value(pieces *p, const odeon_cell *cell)
{
    if (cell->type == ODEON_CELL_WORD) {
        put_word(p, cell);
    } else if (isfinite(cell->value)) {
        pieces_add_bytes(p, cell->text, (size_t)cell->length);
    } else {
        pieces_add_bytes(p, null, NULL_BYTES);
    }
}

static void put_name(pieces *p, bool first, const char *name)
{
    pieces_add(p, first ? "{" : ",");
    put_escaped(p, name);
    pieces_add(p, ":");
}

/* A row whose keys are not made. */
static void put_unprepared(pieces *p, const odeon_event *event)
{
    for (int64_t i = 0; i < event->n_cells; i++) {
        put_name(p, i == 0, event->cells[i].name);
        put_value(p, &event->cells[i]);
    }
}

static void put_key(pieces *p, const jsonl *x, const key *k, const char *name)
{
    if (k->bytes > 0) {
        pieces_add_bytes(p, x->text + k->at, k->bytes);
    } else {
        put_name(p, k == x->keys, name);
    }
}

/* Nearly all cells are a number under a short key. */
static void put_prepared(pieces *p, const odeon_event *event, const jsonl *x)
{
    const odeon_cell *cell = event->cells;
    const char *text = x->text;
    for (const key *k = x->keys, *end = k + x->n; k < end; k++, cell++) {
        bool finite = isfinite(cell->value);
        if (k->bytes == 0 || k->bytes > PIECES_BLOCK || cell->type == ODEON_CELL_WORD) {
            put_key(p, x, k, cell->name);
            put_value(p, cell);
        } else {
            pieces_add_blocks(p, text + k->at, k->bytes, finite ? cell->text : null,
                              finite ? (size_t)cell->length : NULL_BYTES);
        }
    }
}

static odeon_status see(void *self, const odeon_event *event, const odeon_line *line)
{
    const jsonl *x = self;
    pieces p;
    pieces_begin(&p, line);
    if (x->n == event->n_cells) {
        put_prepared(&p, event, x);
    } else {
        put_unprepared(&p, event);
    }
    pieces_add_bytes(&p, "}\n", 2);
    pieces_end(&p);
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
