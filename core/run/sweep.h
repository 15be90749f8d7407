/* sweep.h: many runs of one INI, each with other values of some keys, in one folder.
 *
 * A run's folder is named after its values, "rtol=1e-3,seed=2", so that a sweep that is repeated
 * finds what it has done: finished runs are kept, stopped ones go on. run.seed is the key that
 * repeats: runs that differ in nothing else are one row of the table, with means and deviations. */
#ifndef ODEON_CORE_RUN_SWEEP_H
#define ODEON_CORE_RUN_SWEEP_H
#include "config/config.h"
#include "plugin/registry.h"
#include "run/axes.h"
#include "run/run_status.h"
#include "run/table.h"

typedef struct sweep_run {
    size_t combination;
    char *name, *path; /* of its folder, FOLDER/NAME */
    char **overrides;  /* [axes.n + 1]: KEY=VALUE, and the last is run.out */
    char *reason;      /* why it is not finished; NULL: nothing is known against it */
    bool refused;      /* it cannot be begun, for that reason */
    bool has_record;
    run_status record;
    odeon_status status; /* of the reason */
} sweep_run;

typedef struct sweep {
    const char *ini; /* borrowed */
    char *folder;
    axes axes;
    size_t n;
    sweep_run *runs;
} sweep;

/* The runs of ini with the values of n arguments KEY=a|b|c, in the order of the grid; draw > 0: of
 * so many combinations, each with all seeds, drawn from the grid. folder NULL: sweeps/STEM.
 * ODEON_ERR_CONFIG: as axes_parse, run.out or run.name among the keys. out can be given to
 * sweep_fini whatever the answer. */
odeon_status sweep_plan(const char *ini, size_t n, const char *const *arguments, size_t draw,
                        const char *folder, sweep *out);
void sweep_fini(sweep *s);

/* Loads a run's configuration and looks into its folder: sets refused and reason where the
 * configuration is wrong, or where the folder holds a run of another; reads the record of what is
 * there. *workers is what the configuration gives (0: it chooses). ODEON_ERR_NOMEM. */
odeon_status sweep_look(const sweep *s, sweep_run *run, registry *r, int64_t *workers);
/* Reads the run's record anew. */
odeon_status sweep_read(sweep_run *run);

size_t sweep_finished(const sweep *s);
/* One row for all finished runs that differ in their seeds alone, best first, then one for each
 * that is not finished, with the reason. */
odeon_status sweep_table(const sweep *s, table *out);

#endif
