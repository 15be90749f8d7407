/* train_rows.h: what a run writes into its metrics, and what of it is shown. */
#ifndef ODEON_CORE_RUN_TRAIN_ROWS_H
#define ODEON_CORE_RUN_TRAIN_ROWS_H
#include "run/trainer.h"

/* A row of the last test, of which observers are told; a row of the last step, with the speed since
 * the last such row. */
odeon_status train_write_test_row(trainer *t, double samples_per_second);
odeon_status train_write_step_row(trainer *t, const session_result *result);

/* Observers are told of a step of n samples, whether it has a row or not; of anything else: text
 * NULL, and status of ODEON_EVENT_END alone. */
odeon_status train_tell_step(trainer *t, int64_t n, const session_result *result);
odeon_status train_tell(const trainer *t, int32_t type, odeon_status status, const char *text);

/* The metric that stands beside the loss in what is shown, with its value; NULL: none. */
const char *train_shown_metric(const trainer *t, const session_result *result, double *value);
/* What is shown of the device: of one that is the host itself, nothing. */
device_counters train_shown_device(const trainer *t, const session_result *result);

#endif
