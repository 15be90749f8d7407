/* count: an observer that counts the events that it receives, as an author's first one would: every
 * event, with a file of its own in which each row stands as its step and loss, and a word at the
 * end.
 *
 * fail_at, for tests: the row at which it fails. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "odeon/observer.h"
#include "odeon/plugin.h"

enum { EVENTS = ODEON_EVENT_END + 1 };

typedef struct count {
    ODEON_INSTANCE;
    int64_t fail_at;
    int64_t seen[EVENTS];
} count;

static const odeon_option *const options[] = {
    ODEON_OPTION(count, fail_at, I64, .default_text = "0", .min_text = "0",
                 .help = "the row at which it fails; 0: none"),
    NULL};

static const odeon_cell *find(const odeon_event *event, const char *name)
{
    for (int64_t i = 0; i < event->n_cells; i++) {
        if (strcmp(event->cells[i].name, name) == 0) {
            return &event->cells[i];
        }
    }
    return NULL;
}

static odeon_status heading(void *self, const odeon_event *event, const odeon_line *line)
{
    (void)self;
    if (find(event, "loss") == NULL) {
        return ODEON_ERR_INTERNAL;
    }
    line->put(line->self, "step loss\n");
    return ODEON_OK;
}

static odeon_status put_row(const count *c, const odeon_event *event, const odeon_line *line)
{
    if (c->seen[ODEON_EVENT_ROW] == c->fail_at) {
        return odeon_fail(c->host, ODEON_ERR_IO, "row %" PRId64 " is one too many", c->fail_at);
    }
    line->put(line->self, find(event, "step")->text);
    line->put(line->self, " ");
    line->put(line->self, find(event, "loss")->text);
    line->put(line->self, "\n");
    return ODEON_OK;
}

static void tell(const count *c, const odeon_event *event)
{
    char text[400];
    (void)snprintf(text, sizeof text,
                   "%" PRId64 " begin, %" PRId64 " batches, %" PRId64 " rows, %" PRId64
                   " epochs, %" PRId64 " evaluations, %s, step %" PRId64 " of %" PRId64
                   ", status %d%s%s",
                   c->seen[ODEON_EVENT_BEGIN], c->seen[ODEON_EVENT_BATCH], c->seen[ODEON_EVENT_ROW],
                   c->seen[ODEON_EVENT_EPOCH], c->seen[ODEON_EVENT_EVALUATION],
                   c->seen[ODEON_EVENT_CHECKPOINT] > 0 ? "checkpoints" : "no checkpoint",
                   event->step, event->steps, (int)event->status, event->text != NULL ? ": " : "",
                   event->text != NULL ? event->text : "");
    c->host->log(c->host, ODEON_LOG_WARNING, text);
}

static odeon_status see(void *self, const odeon_event *event, const odeon_line *line)
{
    count *c = self;
    c->seen[event->type]++;
    if (event->type == ODEON_EVENT_END) {
        tell(c, event);
    }
    return event->type == ODEON_EVENT_ROW ? put_row(c, event, line) : ODEON_OK;
}

static const odeon_observer_ops ops = {.struct_size = sizeof ops,
                                       .wants = ODEON_EVENT_BIT(BEGIN) | ODEON_EVENT_BIT(BATCH) |
                                                ODEON_EVENT_BIT(ROW) | ODEON_EVENT_BIT(EPOCH) |
                                                ODEON_EVENT_BIT(EVALUATION) |
                                                ODEON_EVENT_BIT(CHECKPOINT) | ODEON_EVENT_BIT(END),
                                       .file = "metrics.count",
                                       .heading = heading,
                                       .see = see};

ODEON_PLUGIN_OPTIONS(OBSERVER, "count", &ops, "counts the events of a run", NULL, NULL, count,
                     options, NULL, NULL);
