/* check_data.h: what `odeon check --data` says of the samples. */
#ifndef ODEON_CORE_COMMAND_CHECK_DATA_H
#define ODEON_CORE_COMMAND_CHECK_DATA_H
#include <stdio.h>

#include "data/data.h"

/* Opens all splits, reads the first samples of each and prints what they hold. *samples: how many
 * there are to train on. What the data set, or sample_check.h, finds wrong is the failure:
 * ODEON_ERR_DATA with file, row and column as far as the data set says them. */
odeon_status check_data(FILE *out, const config *c, int64_t *samples);

#endif
