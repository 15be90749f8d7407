/* evaluate.h: loss, metrics and counters over a whole split. */
#ifndef ODEON_CORE_RUN_EVALUATE_H
#define ODEON_CORE_RUN_EVALUATE_H
#include "data/data.h"
#include "run/progress.h"
#include "session/handle.h"
#include "session/result.h"

/* The totals of evaluating every sample of source in batches of batch: loss and metrics are
 * means over the elements of the label that count, share over the samples, counters sums over the
 * batches, h_min, h_max and bytes the extremes. ODEON_ERR_CANCELLED if a signal was noted
 * (interrupt.h) between two batches; ODEON_ERR_DATA for a split without samples. *out starts as {0}
 * or as an earlier answer; whoever has it calls session_result_fini. */
odeon_status evaluate_split(session *s, const data_source *source, int64_t batch, progress *p,
                            session_result *out);

/* Adds one batch of n samples, out of total, to out (zero at first, grad_norm aside). Loss and
 * metrics weigh as much as elements of the label count in the batch, share as samples do.
 * ODEON_ERR_NOMEM. */
odeon_status evaluate_add(session_result *out, const session_result *batch, size_t n_metrics,
                          int64_t n, int64_t total);

/* Of a split called what: "test loss 0.4132", then "test accuracy 0.8571" and so on, one a line
 * (progress_number). */
void evaluate_print(FILE *out, const session *s, const char *what, const session_result *result);

#endif
