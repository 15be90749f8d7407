/* tensorboard: rows of the metrics as scalars in an event file of TensorBoard. Each cell that is a
 * number has the tag NAME/train or NAME/test, with a slash for each dot, so that TensorBoard draws
 * both beside each other and groups what belongs to a block. Source: TensorFlow,
 * tensorflow/core/util/event.proto and framework/summary.proto. */
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "odeon/observer.h"
#include "odeon/plugin.h"

#include "tfrecord.h"

typedef struct tensorboard {
    ODEON_INSTANCE;
    /* Each keeps its memory from row to row. */
    tf_bytes tag, value, summary, event, record;
} tensorboard;

/* Field numbers of the messages. */
enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_FILE_VERSION = 3, EVENT_SUMMARY = 5 };
enum { SUMMARY_VALUE = 1, VALUE_TAG = 1, VALUE_SIMPLE = 2 };

static odeon_status init(void *self)
{
    tensorboard *x = self;
    tf_bytes *all[] = {&x->tag, &x->value, &x->summary, &x->event, &x->record};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        *all[i] = (tf_bytes){.host = x->host};
    }
    return ODEON_OK;
}

static void fini(void *self)
{
    tensorboard *x = self;
    tf_bytes *all[] = {&x->tag, &x->value, &x->summary, &x->event, &x->record};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tf_bytes_fini(all[i]);
    }
}

/* Puts what is in x->event as a record. */
static odeon_status put_event(tensorboard *x, const odeon_line *line)
{
    x->record.n = 0;
    tf_put_record(&x->record, x->event.data, x->event.n);
    if (x->tag.failed || x->value.failed || x->summary.failed || x->event.failed ||
        x->record.failed) {
        return odeon_fail(x->host, ODEON_ERR_NOMEM, "no memory for a row");
    }
    line->put_bytes(line->self, x->record.data, x->record.n);
    return ODEON_OK;
}

/* The first record has no time: a file that a run goes on with is known by it. */
static odeon_status heading(void *self, const odeon_event *event, const odeon_line *line)
{
    static const char version[] = "brain.Event:2";
    tensorboard *x = self;
    (void)event;
    x->event.n = 0;
    tf_put_double(&x->event, EVENT_WALL_TIME, 0.0);
    tf_put_bytes(&x->event, EVENT_FILE_VERSION, version, strlen(version));
    return put_event(x, line);
}

/* Where a row stands is said by the event itself, and seconds by its time. */
static bool is_scalar(const odeon_cell *cell)
{
    static const char *const places[] = {"step", "epoch", "seconds"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (strcmp(cell->name, places[i]) == 0) {
            return false;
        }
    }
    return cell->type != ODEON_CELL_WORD && !isnan(cell->value);
}

static const char *split_of(const odeon_event *event)
{
    for (int64_t i = 0; i < event->n_cells; i++) {
        if (strcmp(event->cells[i].name, "split") == 0) {
            return event->cells[i].text;
        }
    }
    return "train";
}

static void add_value(tensorboard *x, const odeon_cell *cell, const char *split)
{
    x->tag.n = x->value.n = 0;
    for (const char *p = cell->name; *p != '\0'; p++) {
        tf_bytes_add(&x->tag, *p == '.' ? "/" : p, 1);
    }
    tf_bytes_add(&x->tag, "/", 1);
    tf_bytes_add(&x->tag, split, strlen(split));
    tf_put_bytes(&x->value, VALUE_TAG, x->tag.data, x->tag.n);
    tf_put_float(&x->value, VALUE_SIMPLE, (float)cell->value);
    tf_put_bytes(&x->summary, SUMMARY_VALUE, x->value.data, x->value.n);
}

static double now(void)
{
    struct timespec t = {.tv_sec = 0};
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static odeon_status see(void *self, const odeon_event *event, const odeon_line *line)
{
    tensorboard *x = self;
    const char *split = split_of(event);
    x->summary.n = x->event.n = 0;
    for (int64_t i = 0; i < event->n_cells; i++) {
        if (is_scalar(&event->cells[i])) {
            add_value(x, &event->cells[i], split);
        }
    }
    tf_put_double(&x->event, EVENT_WALL_TIME, now());
    tf_put_whole(&x->event, EVENT_STEP, event->step);
    tf_put_bytes(&x->event, EVENT_SUMMARY, x->summary.data, x->summary.n);
    return put_event(x, line);
}

static const odeon_observer_ops ops = {.struct_size = sizeof ops,
                                       .flags = ODEON_OBSERVER_RECORDS,
                                       .wants = ODEON_EVENT_BIT(ROW),
                                       .file = "events.out.tfevents.0.odeon",
                                       .heading = heading,
                                       .see = see};

ODEON_PLUGIN_OPTIONS(OBSERVER, "tensorboard", &ops,
                     "rows of the metrics as an event file of TensorBoard",
                     "TensorFlow: event.proto, summary.proto, record_writer.h", NULL, tensorboard,
                     NULL, init, fini);
