/* run_status.h: what a run's folder says of the run: state, figures, configuration. Only files are
 * read: no plugin is loaded, and a run of another version, or one that is under way, will do. */
#ifndef ODEON_CORE_RUN_RUN_STATUS_H
#define ODEON_CORE_RUN_RUN_STATUS_H
#include "base/text.h"
#include "format/ini_file.h"

typedef enum run_state {
    RUN_BEGUN,    /* no step of it is kept: it begins again when it goes on */
    RUN_RUNNING,  /* a process works on it */
    RUN_STOPPED,  /* it can go on from a checkpoint */
    RUN_FAILED,   /* a step of it failed numerically, and it came to no end */
    RUN_FINISHED, /* all its steps are done and tested */
} run_state;

const char *run_state_text(run_state state); /* "finished" */

typedef struct run_figure {
    char *name;
    double value; /* NAN: it has none */
} run_figure;

/* Figures are those of metrics.csv, if the run has that: loss and metrics of the last test
 * ("test_loss", "accuracy"), then evaluations of all ODE blocks in the last row of training. */
typedef struct run_status {
    char *path, *name; /* of the folder; run.name */
    char *started;     /* by the manifest; NULL: not known */
    run_state state;
    int64_t step, total; /* of the newest checkpoint; total 0: not known */
    double seconds;      /* of training, by the last row; NAN: not known */
    size_t n_figures, room;
    run_figure *figures;
    ini_file *config; /* effective.ini */
} run_status;

/* Reads the folder. ODEON_ERR_CONFIG if it is none of a run, ODEON_ERR_IO, ODEON_ERR_NOMEM; files
 * beside effective.ini that are missing or damaged are not known. out can be given to
 * run_status_fini whatever the answer. */
odeon_status run_status_read(const char *folder, run_status *out);
/* The state alone. */
odeon_status run_status_state(const char *folder, run_state *out);
void run_status_fini(run_status *r);

/* A figure by name; NAN: the run has none such. */
double run_status_figure(const run_status *r, const char *name);
/* How good the run is, greater is better: accuracy, or the negative loss of the last test; NAN: not
 * known. */
double run_status_score(const run_status *r);
/* The value of a key of effective.ini; NULL: it has none such. */
const char *run_status_key(const run_status *r, const char *section, const char *name);

/* Adds one JSON object on a line: run, name, state, step, steps, seconds, the figures, and error
 * where that is not NULL. state NULL: the record's own. */
void run_status_json(const run_status *r, const char *state, const char *error, text_buffer *out);

#endif
