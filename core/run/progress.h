/* progress.h: how far a run is, for whoever watches: one line redrawn in place on a terminal, else
 * a line now and then. */
#ifndef ODEON_CORE_RUN_PROGRESS_H
#define ODEON_CORE_RUN_PROGRESS_H
#include <stdbool.h>
#include <stdio.h>

#include "odeon/observer.h"
#include "session/result.h"

/* A moment of a run. Loss and metric are means over the last batches, newer ones weighing more. */
typedef struct progress_state {
    const char *what;                   /* "train", "test" */
    int64_t epoch, epochs, step, steps; /* steps of the whole run, from 1 */
    double loss;
    const char *metric_name; /* NULL: the loss has no metric */
    double metric;
    double samples_per_second;
    bool has_blocks; /* the model has ODE blocks; the four counts are sums over them */
    int64_t evals_forward, evals_backward, accepted, rejected; /* of the last batch */
    device_counters device; /* of the last batch; launches -1: not to be shown */
    double seconds_left;
} progress_state;

/* "0.4132", or "3.142e-05" of what four decimals would say too little of. out has at least 32
 * bytes.
 */
void progress_number(double value, char *out);
/* "0:07", "12:34", "3:02:01"; "-" if seconds is no finite number. out has at least 32 bytes. */
void progress_duration(double seconds, char *out);

/* The line of a terminal that is columns wide: at most columns - 1 columns, without a line break:
 * what is done, the loss and, where the width allows, a bar, then further parts as long as they
 * fit. utf8 chooses the bar's characters. */
void progress_format_bar(const progress_state *state, int columns, bool utf8, char *out,
                         size_t size);
/* The same as a plain line, of as many of its parts as have room in columns - 1; with columns 0 of
 * all. */
void progress_format_line(const progress_state *state, int columns, char *out, size_t size);

typedef struct progress progress;

/* Watches a run of so many steps on out, which outlives it: standard output itself, since lines of
 * a terminal are redrawn; names in them are cleaned as clean.h says. On a terminal lines are as
 * wide as it is, and one is redrawn in place, unless TERM says that it cannot be (dumb, or not
 * set); with NO_COLOR in the environment that needs no escape sequence. ODEON_ERR_NOMEM. */
odeon_status progress_create(FILE *out, int64_t epochs, int64_t steps, progress **out_progress);
/* The run goes on after step: what steps take is measured from there. */
void progress_begin_after(progress *p, int64_t step);
/* Takes the line off the terminal. NULL is allowed. */
void progress_destroy(progress *p);

/* A step of training: number step, of n samples, which took so many seconds of training and nothing
 * else. metric_name, metric and device as in progress_state. */
typedef struct progress_step {
    int64_t epoch, step, n;
    double seconds;
    const char *metric_name;
    double metric;
    device_counters device;
} progress_step;
void progress_train(progress *p, const progress_step *step, const session_result *result);
/* After done of total samples of an evaluation. */
void progress_test(progress *p, int64_t done, int64_t total);
/* Shows lines, each with its LF, above the redrawn one, in the place of those shown before; where
 * nothing can be redrawn, behind what is there. They stay when the progress ends. Control
 * characters but LF are taken out. */
void progress_show_above(progress *p, const char *lines);
/* The terminal that lines are shown on; struct_size is left alone. */
void progress_terminal(const progress *p, odeon_terminal *out);
/* Writes two lines that stay, above the redrawn one: the state, and what a test came to. */
typedef struct progress_test_result {
    const char *what; /* "test", "validation" */
    int64_t epoch, step;
    double loss;
    const char *metric_name; /* NULL: none */
    double metric;
} progress_test_result;
void progress_tested(progress *p, const progress_test_result *result);

#endif
