/* row_cells.h: a row of the metrics as named cells, which is how observers see it. */
#ifndef ODEON_CORE_RUN_ROW_CELLS_H
#define ODEON_CORE_RUN_ROW_CELLS_H
#include "base/number.h"
#include "base/text.h"
#include "device/counts.h"
#include "ode/counters.h"
#include "odeon/dataset.h"
#include "odeon/observer.h"
#include "plugin/figures.h"
#include "session/curves.h"

/* A row of the metrics; NAN stands for "does not apply" (empty in CSV, null in JSON). */
typedef struct metrics_row {
    int64_t step, epoch;
    double seconds; /* since training began */
    int32_t split;  /* ODEON_SPLIT_*: "train", "test" */
    double loss;
    size_t n_metrics; /* of the loss */
    const char *const *metric_names;
    const double *metrics;
    double lr, grad_norm; /* NAN in test rows */
    double samples_per_second;
    device_counters device;
    size_t n_blocks;
    const ode_counters *blocks;
    bool audited;          /* a column gradient_error is there */
    double gradient_error; /* NAN in rows without an audit */
    size_t n_curves;       /* keys that follow a schedule: */
    const curve *curves;   /* their values in the step, of rows of training */
    size_t n_figures;      /* of components, by path and name */
    const figure_value *figures;
} metrics_row;

/* Where the name of a cell begins, in names, and what it was made of; its number, as the bits of a
 * whole one or of a double, and the text of it. */
typedef struct row_place {
    size_t name;
    const char *path, *last;
    int64_t bits;
    int32_t type; /* ODEON_CELL_* */
    char text[NUMBER_TEXT_BYTES];
} row_place;

/* Starts as {0}. The cells of the last row that was made. Names of blocks, metrics and figures are
 * borrowed, and do not change, until row_cells_fini. */
typedef struct row_cells {
    size_t n, room, room_places;
    odeon_cell *cells;
    row_place *places;
    row_place *next, *named; /* of the next cell; behind those of which names has the name */
    text_buffer names;       /* of each cell in turn, each with its NUL */
    bool renamed;            /* other columns than in the row before, or the first row */
    bool failed;             /* memory has run out */
} row_cells;

/* Columns: step, epoch, seconds, split, loss, the loss's metrics by name, lr, grad_norm,
 * samples_per_second, nsync, nlaunch, nalloc (waits for the device, launches and allocations on it:
 * in a row of training those of its step, in a row of a test those of all its batches), then for
 * every ODE block PATH.evals_forward and so on through the fields of ode_counters, then, of a run
 * with [audit], gradient_error, then, by name, the keys that follow a schedule, then the figures of
 * components, PATH.NAME. False without memory. */
bool row_cells_make(row_cells *x, const metrics_row *row);
/* Are the names those of other? */
bool row_cells_match(const row_cells *x, const row_cells *other);
/* The first name that two of them have; NULL: all differ. */
const char *row_cells_repeated(const row_cells *x);
void row_cells_fini(row_cells *x);

#endif
