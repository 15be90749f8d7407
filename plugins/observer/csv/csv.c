/* csv: metrics.csv: a line of names, then a line for each row. Source: RFC 4180, but that lines end
 * in LF. */
#include <string.h>

#include "odeon/observer.h"
#include "odeon/plugin.h"

#include "../common/pieces.h"

/* RFC 4180: a quote within a quoted field is doubled. */
static void add_quoted(pieces *p, const char *word)
{
    pieces_add(p, "\"");
    for (; *word != '\0'; word++) {
        pieces_add_bytes(p, word, 1);
        pieces_add(p, *word == '"' ? "\"" : "");
    }
    pieces_add(p, "\"");
}

/* Names come from plugins and INI files, so a name may need quotes. */
static void add_word(pieces *p, const char *word)
{
    size_t plain = strcspn(word, ",\"\r\n");
    if (word[plain] != '\0') {
        add_quoted(p, word);
    } else {
        pieces_add_bytes(p, word, plain);
    }
}

static odeon_status heading(void *self, const odeon_event *event, const odeon_line *line)
{
    pieces p;
    (void)self;
    pieces_begin(&p, line);
    for (int64_t i = 0; i < event->n_cells; i++) {
        pieces_add(&p, i > 0 ? "," : "");
        add_word(&p, event->cells[i].name);
    }
    pieces_add(&p, "\n");
    pieces_end(&p);
    return ODEON_OK;
}

/* Digits need no quotes. What does not apply is an empty cell. */
static void add_cell(pieces *p, const odeon_cell *cell)
{
    if (cell->type == ODEON_CELL_WORD) {
        add_word(p, cell->text);
    } else {
        pieces_add_block(p, cell->text, (size_t)cell->length);
    }
}

static odeon_status see(void *self, const odeon_event *event, const odeon_line *line)
{
    const odeon_cell *end = event->cells + event->n_cells;
    pieces p;
    (void)self;
    pieces_begin(&p, line);
    for (const odeon_cell *cell = event->cells; cell < end; cell++) {
        add_cell(&p, cell);
        pieces_add_bytes(&p, cell + 1 < end ? "," : "\n", 1);
    }
    pieces_end(&p);
    return ODEON_OK;
}

static const odeon_observer_ops ops = {.struct_size = sizeof ops,
                                       .wants = ODEON_EVENT_BIT(ROW),
                                       .file = "metrics.csv",
                                       .heading = heading,
                                       .see = see};

ODEON_PLUGIN(OBSERVER, "csv", &ops, "rows of the metrics as metrics.csv", "RFC 4180");
