/* tally: an observer from outside: how many rows there were of each split, in a file of its own,
 * and what the last of them came to. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <odeon/odeon.h>

typedef struct tally {
    ODEON_INSTANCE;
    int64_t rows[2]; /* train, test */
} tally;

static const char *text_of(const odeon_event *event, const char *name)
{
    for (int64_t i = 0; i < event->n_cells; i++) {
        if (strcmp(event->cells[i].name, name) == 0) {
            return event->cells[i].text;
        }
    }
    return "";
}

static odeon_status see(void *self, const odeon_event *event, const odeon_line *line)
{
    tally *t = self;
    char text[256];
    if (event->type == ODEON_EVENT_END) {
        (void)snprintf(text, sizeof text, "%" PRId64 " of training, %" PRId64 " of tests",
                       t->rows[0], t->rows[1]);
        t->host->log(t->host, ODEON_LOG_INFO, text);
        return ODEON_OK;
    }
    t->rows[strcmp(text_of(event, "split"), "test") == 0]++;
    (void)snprintf(text, sizeof text, "%" PRId64 " %s\n", event->step, text_of(event, "loss"));
    line->put(line->self, text);
    return ODEON_OK;
}

static const odeon_observer_ops ops = {.struct_size = sizeof ops,
                                       .wants = ODEON_EVENT_BIT(ROW) | ODEON_EVENT_BIT(END),
                                       .file = "metrics.tally",
                                       .see = see};

ODEON_PLUGIN_OPTIONS(OBSERVER, "tally", &ops, "counts rows by split", NULL, NULL, tally, NULL, NULL,
                     NULL);
