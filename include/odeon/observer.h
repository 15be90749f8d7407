/* observer.h: receives the events of a run of training and never changes it: files of rows, counts,
 * notices, curves on a terminal, a page that is served.
 *
 * [run] observers = csv, jsonl names them; these two are the default. The host calls each with
 * every event that it wants, in order, on the thread that trains, between two steps: the time that
 * an observer takes is added to the run's. Its failure never ends a run: the host warns once, with
 * the message of the failure, and does not call it again. Draft: it freezes once others than the
 * host's own files use it.
 *
 * Example: an observer that counts
 *   static odeon_status see(void *self, const odeon_event *event, const odeon_line *line)
 *   {
 *       count *c = self;
 *       (void)line;
 *       c->epochs += event->type == ODEON_EVENT_EPOCH;
 *       return ODEON_OK;
 *   }
 *   static const odeon_observer_ops ops = {.struct_size = sizeof ops,
 *                                          .wants = ODEON_EVENT_BIT(EPOCH),
 *                                          .see = see};
 *   ODEON_PLUGIN_OPTIONS(OBSERVER, "count", &ops, "counts epochs", NULL, NULL, count, NULL, NULL,
 *                        NULL); */
#ifndef ODEON_OBSERVER_H
#define ODEON_OBSERVER_H
#include "odeon/abi.h"
#include "odeon/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What happens. Behind each stands what the event has besides type, step, steps, epoch, seconds and
 * folder. Numbers may be added; an observer receives only those that it wants. */
enum {
    ODEON_EVENT_BEGIN = 0,      /* the run begins or goes on: step is how many are made already */
    ODEON_EVENT_BATCH = 1,      /* a step is made, or skipped after a failure of numbers: cells */
    ODEON_EVENT_ROW = 2,        /* a row of the metrics, as run.log_every says, of a step or of an
                                   evaluation: cells */
    ODEON_EVENT_EPOCH = 3,      /* all samples of an epoch have been used */
    ODEON_EVENT_EVALUATION = 4, /* the test split has been evaluated: cells; its ROW came before */
    ODEON_EVENT_CHECKPOINT = 5, /* a checkpoint is on the disk: text is its path */
    ODEON_EVENT_END = 6         /* always the last: status and, unless it is 0, text, the reason */
};
#define ODEON_EVENT_BIT(name) (UINT64_C(1) << ODEON_EVENT_##name)

enum {
    ODEON_CELL_REAL = 0,
    ODEON_CELL_WHOLE = 1, /* a whole number; text has all digits, value may have lost some */
    ODEON_CELL_WORD = 2   /* text; value is NaN */
};
enum { ODEON_CELL_TEXT_BYTES = 32 }; /* more than the text of a number has, with its NUL */

/* Final. A column of a row and what stands in it. */
typedef struct odeon_cell {
    const char *name; /* "loss", "model.ode.evals_forward" */
    const char *text; /* as the host writes it, with a point in every locale: the shortest number
                         that reads back the same, "inf", or "" where value is NaN; of numbers,
                         ODEON_CELL_TEXT_BYTES may be read, so that a copy may have that size */
    double value;     /* NaN: does not apply in this row, or is not known */
    int32_t type;     /* ODEON_CELL_* */
    int32_t length;   /* of text, in bytes */
} odeon_cell;

/* Growing. A terminal that text can be shown on. */
typedef struct odeon_terminal {
    uint32_t struct_size;
    int32_t redraws;       /* 1: show replaces what it has shown before */
    int32_t columns, rows; /* 0, 0: standard output is no terminal */
    int32_t utf8;          /* 1: its characters are those of Unicode; 0: ASCII */
    int32_t reserved0;
} odeon_terminal;

/* Growing. What the host does for observers while they see an event. */
typedef struct odeon_observer_services {
    uint32_t struct_size, reserved0;
    void *self;
    /* Has FOLDER/report.html drawn from what the run's files say by now, and replaced as a whole,
     * by a process of its own and of low priority. It returns at once, and does nothing while the
     * last is being drawn. The page asks its reader to load it again every refresh_seconds, unless
     * that is 0. Asked for in END, it is the page of a run that has ended, with what its model
     * computes: drawn when the folder is complete, and before any observer's fini. A page that
     * cannot be drawn is one warning. [main; batch] */
    void (*draw_page)(void *self, double refresh_seconds);
    /* Shows text, whole lines, each with its LF at the end, above the line of progress and in the
     * place of what was shown before; where the terminal does not redraw, and where standard output
     * is none, it is written behind what is there. What is shown last stays. [main; batch] */
    void (*show)(void *self, const char *text);
    /* Fills in out, whose struct_size is set. The user may change the size at any time.
     * [main; batch] */
    void (*terminal)(void *self, odeon_terminal *out);
} odeon_observer_services;

/* Growing. Borrowed for the call, with all that it points to. What an event has not is 0. */
typedef struct odeon_event {
    uint32_t struct_size;
    int32_t type;        /* ODEON_EVENT_* */
    int64_t step, steps; /* optimizer steps made, and those of the whole run */
    int64_t epoch;       /* from 1 */
    double seconds;      /* since the run began, without the time between two processes */
    const char *folder;  /* the run's */
    const char *text;
    /* The columns of the metrics, all rows of a run the same in the same order: step, epoch,
     * seconds, split, loss and so on. */
    int64_t n_cells;
    const odeon_cell *cells; /* [n_cells] */
    odeon_status status;
    int32_t reserved0;
    const odeon_observer_services *services; /* NULL: none, as in tests of an observer alone */
} odeon_event;

/* Growing. Where an observer with a file makes its lines: text put during a call is one or more
 * whole lines, each with its LF at the end; in a file of records, one or more whole records. The
 * host takes them when the call has returned ODEON_OK, and nothing of them otherwise. */
typedef struct odeon_line {
    uint32_t struct_size, reserved0;
    void *self;
    /* Adds text as it is. Where memory ends the row is lost and the run ends with that failure.
     * [main; batch] */
    void (*put)(void *self, const char *text);
    /* Adds text as a string of JSON, in quotes; bytes that are no UTF-8 become U+FFFD.
     * [main; batch] */
    void (*put_json)(void *self, const char *text);
    /* Adds n bytes, of which any may be 0. [main; batch] */
    void (*put_bytes)(void *self, const void *bytes, uint64_t n);
} odeon_line;

enum {
    ODEON_OBSERVER_THREAD = 1 << 0, /* a thread of its own: reserved, refused by this host */
    ODEON_OBSERVER_RECORDS = 1 << 1 /* the file is of records, whose ends only the observer knows */
};

/* Growing. */
typedef struct odeon_observer_ops {
    uint32_t struct_size;
    uint32_t flags; /* ODEON_OBSERVER_*; a bit that the host does not know is refused */
    uint64_t wants; /* ODEON_EVENT_BIT of the events to receive; BATCH makes a row every step */
    /* The file in the run's folder that the lines go to, "metrics.csv": a name that begins with
     * "metrics.", or with "events.", and has letters, digits, dots, dashes and underscores; NULL:
     * no lines. It is the host's: whole lines are appended, those of a tenth of a second
     * together, it is on the disk before a checkpoint says so, and a run that goes on from a
     * checkpoint finds what was added after it cut off. So an observer of lines needs no state to
     * go on with. A disk that is full ends the lines, not the run. */
    const char *file;
    /* (optional, with file) Puts the first line or record of the file, from the names of the cells
     * of event, a ROW without values. A file that begins otherwise is not gone on with. [main; run]
     */
    odeon_status (*heading)(void *self, const odeon_event *event, const odeon_line *line);
    /* An event that it wants has happened. Lines may be put into ROW alone. A failure is reported
     * as a warning, and the observer is not called again. [main; batch] */
    odeon_status (*see)(void *self, const odeon_event *event, const odeon_line *line);
} odeon_observer_ops;

#ifdef __cplusplus
}
#endif
#endif
