/* asking.h: questions about a run's model. */
#ifndef ODEON_VIEW_CHARTS_ASKING_H
#define ODEON_VIEW_CHARTS_ASKING_H
#include "drawing.h"
#include "odeon/dataset.h"

/* A question that is being put together; its texts are the drawing's. */
typedef struct asking {
    drawing *drawing;
    const char *block; /* path of the first ODE block; NULL: the run has none */
    odeon_view_ask ask;
    const char *override[8], *without[16];
} asking;

/* Of the first run, all samples of the test split. False where it has no ODE block. */
bool asking_begin(asking *a, drawing *d);
/* Sets model.BLOCK.KEY; leaves it out. */
void asking_set(asking *a, const char *key, const char *value);
void asking_drop(asking *a, const char *key);
/* States at n equal times from `from` to `to`, whatever the run's own times are. */
void asking_times(asking *a, double from, double to, int n);
/* The same, but of a block with equal steps the states between those, n - 1 of them at most: its
 * path is a chain of steps, and more times would mean more steps. */
void asking_path(asking *a, double from, double to, int n);
/* One step of Euler's method of size 1, so that y(1) - y(0) is the field at y(0). */
void asking_field(asking *a, double t);

odeon_status asking_solve(asking *a, odeon_view_answer *out);
/* Where the field is evaluated in that solve; n is 0 where the host cannot say. */
odeon_status asking_evaluations(asking *a, odeon_view_answer *out);
/* The same of `most` samples, evenly chosen among a thousand of the split where the state is small,
 * since data sets often stand in the order of their classes; else of the first. */
odeon_status asking_solve_spread(asking *a, int64_t most, odeon_view_answer *out);
/* Where the field is evaluated for those samples; solved is the asking that asked for them. */
odeon_status asking_evaluations_spread(asking *a, const asking *solved, int64_t most,
                                       odeon_view_answer *out);

/* The interval that the block integrates over, of a run that names it. */
bool asking_span(const asking *a, double *from, double *to);
/* Does the block start from the first of the states that a sample holds? */
bool asking_starts_first(const asking *a);

#endif
