/* steps_file.h: lists of steps as CSV files. */
#ifndef ODEON_CORE_ODE_STEPS_FILE_H
#define ODEON_CORE_ODE_STEPS_FILE_H
#include <stddef.h>

#include "odeon/abi.h"
#include "odeon/status.h"
#include "solver/log.h"

/* Steps t, h of one solve or, where each sample of a batch is solved by itself, of one after the
 * other. */
typedef struct step_lists {
    double (*steps)[2]; /* [n] */
    size_t n;
    size_t *begin; /* [n_samples]: where a sample's begin; NULL: all are of one solve */
    size_t n_samples;
} step_lists;

/* What a solve has tried. */
typedef struct attempt_list {
    const solve_attempt *attempts;
    size_t n;
} attempt_list;

/* Reads a list of steps: lines "t,h" with a heading. ODEON_ERR_IO, ODEON_ERR_DATA. */
odeon_status steps_read(const char *path, double (**steps)[2], size_t *n);
/* The same, or lines "sample,t,h" with that heading, the samples counted from 0 and one after the
 * other. out can be given to step_lists_fini whatever the answer. */
odeon_status steps_read_lists(const char *path, step_lists *out);
void step_lists_fini(step_lists *lists);
/* Writes the accepted steps of a solve so. ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status steps_write(const char *path, size_t n, const solve_attempt *attempts);
/* Those of a solve of each sample. */
odeon_status steps_write_lists(const char *path, size_t n_samples, const attempt_list *samples);
/* All of them, with error and acceptance: lines "t,h,error,accepted". */
odeon_status attempts_write(const char *path, size_t n, const solve_attempt *attempts);

#endif
