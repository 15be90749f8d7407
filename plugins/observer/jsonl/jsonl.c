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
    enum { AROUND = 4 }; /* ,"": */
    uint64_t bytes = 1;
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
static void put_escaped(pieces *p, const char *before, const char *text, const char *behind)
{
    pieces_add(p, before);
    pieces_end(p);
    p->line->put_json(p->line->self, text);
    pieces_add(p, behind);
}

static void put_value(pieces *p, const odeon_cell *cell)
{
    if (cell->type == ODEON_CELL_WORD) {
        put_escaped(p, "", cell->text, "");
    } else {
        pieces_add(p, isfinite(cell->value) ? cell->text : "null");
    }
}

static odeon_status see(void *self, const odeon_event *event, const odeon_line *line)
{
    jsonl *x = self;
    pieces p;
    pieces_begin(&p, line);
    for (int64_t i = 0; i < event->n_cells; i++) {
        const key *k = i < x->n ? &x->keys[i] : NULL;
        if (k != NULL && k->bytes > 0) {
            pieces_add_bytes(&p, x->text + k->at, k->bytes);
        } else {
            put_escaped(&p, i > 0 ? "," : "{", event->cells[i].name, ":");
        }
        put_value(&p, &event->cells[i]);
    }
    pieces_add(&p, "}\n");
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
