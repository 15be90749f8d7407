/* summary.h: the model as a table. */
#ifndef ODEON_CORE_RUN_SUMMARY_H
#define ODEON_CORE_RUN_SUMMARY_H
#include <stdio.h>

#include "base/text.h"
#include "session/describe.h"
#include "session/result.h"

/* One line a layer (path, layer, output shape without the batch, parameters), bodies indented, then
 * the total. total: parameters of the model, the shared ones once. */
void summary_table(FILE *out, size_t n, const session_layer *layers, int64_t total);

/* The table of a session's model, then dtype, device and workers. ODEON_ERR_NOMEM. */
odeon_status summary_print(FILE *out, const session *s, uint32_t dtype);

/* Loss, metrics and each ODE block's counters of one batch, a line each. */
void summary_result(FILE *out, const session *s, const session_result *r);
/* The figures of components since they were last cleared: "PATH: NAME VALUE", a line
 * each; nothing of what has no value. */
void summary_figures(FILE *out, const session *s);

#endif
