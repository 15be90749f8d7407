/* metrics.h: the rows of a run as metrics.csv and metrics.jsonl.
 *
 * Columns: step, epoch, seconds, split, loss, the loss's metrics by name, lr, grad_norm,
 * samples_per_second, nsync, nlaunch, nalloc (waits for the device, launches and allocations on it:
 * in a row of training those of its step, in a row of a test those of all its batches), then for
 * every ODE block PATH.evals_forward and so on through the fields of ode_counters. Both files have
 * the same names in the same order; the lines of metrics.jsonl are flat objects. A log that cannot
 * be written does not stop a run: what is there stays, whole lines only, and the failure is
 * reported by one warning and by metrics_close. */
#ifndef ODEON_CORE_RUN_METRICS_H
#define ODEON_CORE_RUN_METRICS_H
#include "device/counts.h"
#include "format/checkpoint.h"
#include "ode/counters.h"
#include "odeon/dataset.h"
#include "odeon/status.h"

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
} metrics_row;

typedef struct metrics metrics;

/* Creates both files in folder, or neither. ODEON_ERR_CONFIG if one exists: another run writes
 * there. ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status metrics_open(const char *folder, metrics **out);
/* Opens both where a run left them and cuts off what was added after the mark; a file that is
 * missing or shorter is continued, with a warning, one that was saved with CR LF is written
 * again with LF. Of columns the names count. ODEON_ERR_DATA, before anything is cut, if the CSV
 * begins with other columns or the mark stands within a line; ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status metrics_reopen(const char *folder, const metrics_mark *mark,
                            const metrics_row *columns, metrics **out);
/* Appends a row. The first fixes the columns; one that does not have them is ODEON_ERR_INTERNAL,
 * or, where a file is continued, ODEON_ERR_DATA. */
odeon_status metrics_add(metrics *m, const metrics_row *row);
/* Syncs both and says how far they are. What could not be written does not count. */
metrics_mark metrics_sync(metrics *m);
/* ODEON_ERR_IO if anything could not be written. NULL is allowed. */
odeon_status metrics_close(metrics *m);

#endif
