/* train_rows.h: what a run writes into its metrics, and what of it is shown. */
#ifndef ODEON_CORE_RUN_TRAIN_ROWS_H
#define ODEON_CORE_RUN_TRAIN_ROWS_H
#include "run/trainer.h"

/* A row of the last evaluation of a split, ODEON_SPLIT_VALIDATION or ODEON_SPLIT_TEST, and its
 * event for observers; a row of the last step, with the speed since the last such row. */
odeon_status train_write_test_row(trainer *t, int32_t split, double samples_per_second);
odeon_status train_write_step_row(trainer *t, const session_result *result);

/* Events for observers: a step of n samples, whether it has a row or not; any without cells, where
 * status is 0 but for ODEON_EVENT_END and text may be NULL. */
odeon_status train_step_event(trainer *t, int64_t n, const session_result *result);
odeon_status train_event(const trainer *t, int32_t type, odeon_status status, const char *text);

/* What the best weights are chosen by: the last evaluation of the validation split, or of the test
 * split where there is none. */
const session_result *train_judged(const trainer *t);

/* The metric that stands beside the loss in what is shown, with its value; NULL: none. */
const char *train_shown_metric(const trainer *t, const session_result *result, double *value);
/* What is shown of the device: of one that is the host itself, nothing. */
device_counters train_shown_device(const trainer *t, const session_result *result);

#endif
