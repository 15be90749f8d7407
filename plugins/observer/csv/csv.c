/* csv: metrics.csv: a line of names, then a line for each row. Source: RFC 4180, but that lines end
 * in LF. */
#include <string.h>

#include "odeon/observer.h"
#include "odeon/plugin.h"

/* RFC 4180: a quote within a quoted field is doubled. */
static void put_quoted(const odeon_line *line, const char *word)
{
    line->put(line->self, "\"");
    for (const char *p = word; *p != '\0'; p++) {
        const char one[] = {*p, '\0'};
        line->put(line->self, one);
        line->put(line->self, *p == '"' ? "\"" : "");
    }
    line->put(line->self, "\"");
}

/* Names come from plugins and INI files, so a name may need quotes. */
static void put_word(const odeon_line *line, const char *word)
{
    if (strpbrk(word, ",\"\r\n") != NULL) {
        put_quoted(line, word);
    } else {
        line->put(line->self, word);
    }
}

static odeon_status heading(void *self, const odeon_event *event, const odeon_line *line)
{
    (void)self;
    for (int64_t i = 0; i < event->n_cells; i++) {
        line->put(line->self, i > 0 ? "," : "");
        put_word(line, event->cells[i].name);
    }
    line->put(line->self, "\n");
    return ODEON_OK;
}

/* Digits need no quotes. What does not apply is an empty cell. */
static odeon_status see(void *self, const odeon_event *event, const odeon_line *line)
{
    (void)self;
    for (int64_t i = 0; i < event->n_cells; i++) {
        line->put(line->self, i > 0 ? "," : "");
        if (event->cells[i].type == ODEON_CELL_WORD) {
            put_word(line, event->cells[i].text);
        } else {
            line->put(line->self, event->cells[i].text);
        }
    }
    line->put(line->self, "\n");
    return ODEON_OK;
}

static const odeon_observer_ops ops = {.struct_size = sizeof ops,
                                       .wants = ODEON_EVENT_BIT(ROW),
                                       .file = "metrics.csv",
                                       .heading = heading,
                                       .see = see};

ODEON_PLUGIN(OBSERVER, "csv", &ops, "rows of the metrics as metrics.csv", "RFC 4180");
