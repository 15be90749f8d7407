/* csv: metrics.csv: a line of names, then a line for each row. Source: RFC 4180, but that lines end
 * in LF. */
#include <string.h>

#include "odeon/observer.h"
#include "odeon/plugin.h"

#include "../common/pieces.h"

/* RFC 4180: a quote within a quoted field is doubled. */
static char *add_quoted(pieces *p, char *to, const char *word)
{
    to = pieces_add(p, to, "\"");
    for (; *word != '\0'; word++) {
        to = pieces_add_bytes(p, to, word, 1);
        to = pieces_add(p, to, *word == '"' ? "\"" : "");
    }
    return pieces_add(p, to, "\"");
}

/* Names come from plugins and INI files, so a name may need quotes. */
static char *add_word(pieces *p, char *to, const char *word)
{
    size_t plain = strcspn(word, ",\"\r\n");
    return word[plain] != '\0' ? add_quoted(p, to, word) : pieces_add_bytes(p, to, word, plain);
}

static odeon_status heading(void *self, const odeon_event *event, const odeon_line *line)
{
    pieces p;
    (void)self;
    char *to = pieces_begin(&p, line);
    for (int64_t i = 0; i < event->n_cells; i++) {
        to = pieces_add(&p, to, i > 0 ? "," : "");
        to = add_word(&p, to, event->cells[i].name);
    }
    to = pieces_add(&p, to, "\n");
    (void)pieces_flush(&p, to);
    return ODEON_OK;
}

/* Digits need no quotes. What does not apply is an empty cell. The last comma becomes the line's
 * end. */
static odeon_status see(void *self, const odeon_event *event, const odeon_line *line)
{
    const odeon_cell *end = event->cells + event->n_cells;
    pieces p;
    (void)self;
    char *to = pieces_begin(&p, line);
    for (const odeon_cell *cell = event->cells; cell < end; cell++) {
        if (cell->type == ODEON_CELL_WORD) {
            to = pieces_reserve(&p, add_word(&p, to, cell->text), 1);
        } else {
            to = pieces_reserve(&p, to, PIECES_BLOCK + 1);
            to = pieces_put_block(to, cell->text, (size_t)cell->length);
        }
        *to++ = ',';
    }
    if (to > p.text) {
        to[-1] = '\n';
    }
    (void)pieces_flush(&p, to);
    return ODEON_OK;
}

static const odeon_observer_ops ops = {.struct_size = sizeof ops,
                                       .wants = ODEON_EVENT_BIT(ROW),
                                       .file = "metrics.csv",
                                       .heading = heading,
                                       .see = see};

ODEON_PLUGIN(OBSERVER, "csv", &ops, "rows of the metrics as metrics.csv", "RFC 4180");
