/* diff.h: two runs held against each other. */
#ifndef ODEON_CORE_RUN_DIFF_H
#define ODEON_CORE_RUN_DIFF_H
#include <stdbool.h>
#include <stdio.h>

#include "odeon/status.h"

/* Writes one line for the first difference in each of options (effective.ini; but for run.name,
 * run.checkpoint_every, run.checkpoint_seconds and run.patience, which change no number), plugins,
 * machine, data (manifest.json), metrics (metrics.csv, but for times and what the work took) and
 * weights (weights.safetensors) of the runs in folders a and b, in this order. *differ: is there
 * any? ODEON_ERR_CONFIG if one holds no run; ODEON_ERR_DATA, ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status diff_runs(const char *a, const char *b, FILE *out, bool *differ);

#endif
