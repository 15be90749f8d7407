/* steps_file.h: lists of steps as CSV files. */
#ifndef ODEON_CORE_ODE_STEPS_FILE_H
#define ODEON_CORE_ODE_STEPS_FILE_H
#include <stddef.h>

#include "odeon/abi.h"
#include "odeon/status.h"
#include "solver/log.h"

/* Reads a list of steps: lines "t,h" with a heading. ODEON_ERR_IO, ODEON_ERR_DATA. */
odeon_status steps_read(const char *path, double (**steps)[2], size_t *n);
/* Writes the accepted steps of a solve so. ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status steps_write(const char *path, size_t n, const solve_attempt *attempts);
/* All of them, with error and acceptance: lines "t,h,error,accepted". */
odeon_status attempts_write(const char *path, size_t n, const solve_attempt *attempts);

#endif
