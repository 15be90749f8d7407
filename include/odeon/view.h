/* view.h: draws runs that have ended: charts, and pages that are made of them.
 *
 * `odeon plot NAME RUN ... --out FILE` draws the chart of that name of any view on the plugin path,
 * `odeon report RUN ...` the first page. A view reads no files: the host gives it the runs as
 * tables and texts, and on request what it computes anew with a run's model: states, predictions,
 * samples. What a run does not have is no failure: the view says that there is nothing to draw, and
 * why. Draft: it freezes once live runs and sweeps are drawn by it.
 *
 * Example: a chart without axes
 *   static odeon_status draw(void *self, int64_t drawing, const odeon_view_request *r,
 *                            const odeon_view_out *out)
 *   {
 *       (void)self;
 *       (void)drawing;
 *       if (r->format != ODEON_VIEW_SVG && r->format != ODEON_VIEW_FRAGMENT) {
 *           return ODEON_ERR_UNSUPPORTED;
 *       }
 *       out->put(out->self, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>", 44);
 *       return ODEON_OK;
 *   }
 *   static const odeon_view_drawing dot = {.struct_size = sizeof dot, .name = "nothing",
 *                                          .summary = "an empty picture", .part = "Extra"};
 *   static const odeon_view_drawing *const drawings[] = {&dot, NULL};
 *   static const odeon_view_ops ops = {.struct_size = sizeof ops, .drawings = drawings,
 *                                      .draw = draw};
 *   ODEON_PLUGIN(VIEW, "nothing", &ops, "an empty picture", NULL); */
#ifndef ODEON_VIEW_H
#define ODEON_VIEW_H
#include "odeon/abi.h"
#include "odeon/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- runs, as they lie in their folders; all of it borrowed for the call ---- */

/* Final. "model.ode.rtol", "0.001"; "machine.processor", "AMD EPYC"; "command.2", "run.seed=1". */
typedef struct odeon_view_pair {
    const char *key, *value;
} odeon_view_pair;

/* Final. */
typedef struct odeon_view_column {
    const char *name;
    const double *value;     /* [n_rows]; NaN where a cell is empty or no number */
    const char *const *text; /* [n_rows] as written */
} odeon_view_column;

/* Growing. */
typedef struct odeon_view_table {
    uint32_t struct_size, reserved0;
    const char *name; /* "metrics"; "failure/steps-ode" */
    int64_t n_rows, n_columns;
    const odeon_view_column *column; /* [n_columns] */
} odeon_view_table;

enum {
    ODEON_VIEW_ENDED = 0,  /* to its last step */
    ODEON_VIEW_FAILED = 1, /* there is a failure bundle, and the weights are not those of its end */
    ODEON_VIEW_OPEN = 2    /* it goes on, or was interrupted */
};

/* Growing. */
typedef struct odeon_view_run {
    uint32_t struct_size;
    int32_t state; /* ODEON_VIEW_* */
    const char *folder;
    const char *name;    /* run.name */
    const char *message; /* of the failure; NULL: there was none */
    int64_t parameters;  /* of the weights that are there; 0: not known */
    int64_t n_config;    /* the normal form, section.key */
    const odeon_view_pair *config;
    int64_t n_manifest; /* the manifest's values, members and elements by a point */
    const odeon_view_pair *manifest;
    int64_t n_tables;
    const odeon_view_table *const *table;
} odeon_view_run;

/* ---- what the host computes with a run's model ---- */

/* Growing. Samples of a split, or numbers that the model takes. */
typedef struct odeon_view_ask {
    uint32_t struct_size;
    int32_t split;       /* ODEON_SPLIT_* of dataset.h; of no account with values */
    int64_t run;         /* index into the request's runs */
    int64_t n;           /* samples: at most so many of the split; all of values */
    const double *value; /* [n, ...] what the model takes, behind the data's transforms; NULL */
    int64_t n_overrides; /* keys that are other than the run's, "model.ode.rtol=1e-6" */
    const char *const *override;
    int64_t n_without; /* keys of the run that others stand in place of, "model.ode.span" */
    const char *const *without;
} odeon_view_ask;

/* Growing. Borrowed until the call of draw returns. */
typedef struct odeon_view_answer {
    uint32_t struct_size;
    int32_t n_classes;   /* of labels; 0: they are numbers */
    int64_t n;           /* samples */
    int64_t n_times;     /* of states; else 1 */
    int64_t size;        /* numbers of an output or a state */
    int64_t label_size;  /* numbers of a label, 1 of a class; 0: there are none */
    const double *time;  /* [n, n_times]; NULL: they have no times */
    const double *value; /* [n, n_times, size]: states; outputs; or the samples' inputs */
    const double *label; /* [n, label_size]; NULL: none, or not given */
    const int64_t *row;  /* [n]: where a sample stands in its file; NULL: it comes from value */
    int32_t ndim, reserved0;
    int64_t dim[5]; /* of a sample's input, without the batch */
} odeon_view_answer;

/* Final. A tensor of the model: what was learned, and how the loss of a batch changes with it. */
typedef struct odeon_view_tensor {
    const char *name;       /* "ode.block.weight" */
    int64_t n;              /* numbers */
    const double *value;    /* [n] */
    const double *gradient; /* [n]; NULL: there is none, as of running state */
} odeon_view_tensor;

/* ---- a drawing ---- */

enum {
    ODEON_VIEW_SVG = 0,      /* a file of its own */
    ODEON_VIEW_FRAGMENT = 1, /* the same within a page, without style; ids are made of number */
    ODEON_VIEW_PNG = 2,
    ODEON_VIEW_PDF = 3,
    ODEON_VIEW_CSV = 4,    /* the numbers */
    ODEON_VIEW_PYTHON = 5, /* a program that draws them from the file */
    ODEON_VIEW_VEGA = 6,   /* Vega-Lite JSON */
    ODEON_VIEW_HTML = 7    /* of pages, the only one */
};

struct odeon_view_services;

/* Growing. */
typedef struct odeon_view_request {
    uint32_t struct_size;
    int32_t format; /* ODEON_VIEW_* */
    int64_t number; /* of a fragment in its page, from 1 */
    int64_t n_runs;
    const odeon_view_run *const *run; /* [n_runs], one or more */
    const char *file;                 /* of PYTHON: the name of the CSV */
    const struct odeon_view_services *services;
    double refresh_seconds; /* of a page of a run that goes on: it asks to be loaded again after so
                               long; 0: it does not */
} odeon_view_request;

/* Growing. Where a drawing goes. */
typedef struct odeon_view_out {
    uint32_t struct_size, reserved0;
    void *self;
    /* Adds n bytes. Where memory ends the command fails. [main; run] */
    void (*put)(void *self, const char *bytes, uint64_t n);
    /* Says that there is nothing to draw, and why, as "the run has no classes"; whoever says so
     * puts nothing and answers ODEON_OK. [main; run] */
    void (*nothing)(void *self, const char *why);
    /* (of fragments) A sentence that stands below it. [main; run] */
    void (*caption)(void *self, const char *text);
} odeon_view_out;

enum {
    ODEON_VIEW_IS_PAGE = 1 << 0,    /* of all runs, as HTML */
    ODEON_VIEW_OF_ONE_RUN = 1 << 1, /* draws a single run alone */
    ODEON_VIEW_WIDE = 1 << 2,       /* takes two columns of a page */
    ODEON_VIEW_OF_TABLE = 1 << 3 /* draws a file NAME.csv, which comes as a run whose one table is
                                    "table"; no part of a page */
};

/* Growing. */
typedef struct odeon_view_drawing {
    uint32_t struct_size;
    int32_t flags;       /* ODEON_VIEW_IS_PAGE and so on */
    const char *name;    /* as it is called on the command line: letters, digits, underscores */
    const char *summary; /* one line, no full stop */
    const char *part;    /* the heading of a page that it belongs to */
} odeon_view_drawing;

/* Growing. */
typedef struct odeon_view_services {
    uint32_t struct_size, reserved0;
    void *self;
    /* The drawings of all views, by number from 0; NULL behind the last. [main; run] */
    const odeon_view_drawing *(*drawing)(void *self, int64_t number);
    /* Draws it, of the same runs or of some of them. A page that asks for a page is refused:
     * ODEON_ERR_UNSUPPORTED. [main; run] */
    odeon_status (*draw)(void *self, int64_t number, const odeon_view_request *request,
                         const odeon_view_out *out);
    /* The states along the model's first ODE block, at the times of model.BLOCK.times. A failure of
     * this and of what follows has its message recorded: passed on it ends the drawing, and a page
     * goes on without it. [main; run] */
    odeon_status (*solve)(void *self, const odeon_view_ask *ask, odeon_view_answer *out);
    /* The model's outputs, with the labels of a split. [main; run] */
    odeon_status (*predict)(void *self, const odeon_view_ask *ask, odeon_view_answer *out);
    /* A split's samples as the numbers that they stand for, before any transform: those whose
     * places in the split stand in index [n]. [main; run] */
    odeon_status (*samples)(void *self, const odeon_view_ask *ask, const int64_t *index,
                            odeon_view_answer *out);
    /* The parameters of the run's weights, with the gradients of the first samples of a split as
     * one batch; of ask value and keys do not count. *out, [*n], is borrowed until the call of draw
     * returns. [main; run] */
    odeon_status (*parameters)(void *self, const odeon_view_ask *ask, int64_t *n,
                               const odeon_view_tensor **out);
    /* Where the field is evaluated in the solve that `solve` makes: as its answer, with a time and
     * the states for each evaluation, in their order, stages of rejected steps among them; labels
     * and rows are not given. All samples are solved together, by one worker. NULL of hosts that
     * cannot say. [main; run] */
    odeon_status (*evaluations)(void *self, const odeon_view_ask *ask, odeon_view_answer *out);
} odeon_view_services;

/* Growing. */
typedef struct odeon_view_ops {
    uint32_t struct_size;
    uint32_t flags;                            /* none yet */
    const odeon_view_drawing *const *drawings; /* ends with NULL; static data of the plugin */
    /* Draws one of them, by its place in that list. ODEON_ERR_UNSUPPORTED: not in that format.
     * [main; run] */
    odeon_status (*draw)(void *self, int64_t drawing, const odeon_view_request *request,
                         const odeon_view_out *out);
} odeon_view_ops;

#ifdef __cplusplus
}
#endif
#endif
