/* summary.h: the model as a table. */
#ifndef ODEON_CORE_RUN_SUMMARY_H
#define ODEON_CORE_RUN_SUMMARY_H
#include <stdio.h>

#include "session/session.h"

/* n with a comma between groups of three digits: "87,532". out has at least 32 bytes. */
void summary_number(int64_t n, char *out);
/* Dimensions joined by x: "3x26x26"; "1" for none. out has at least 112 bytes. */
void summary_shape(int32_t ndim, const int64_t *dim, char *out);

/* One line a layer (path, layer, output shape without the batch, parameters), bodies indented, then
 * the total. total: parameters of the model, the shared ones once. */
void summary_table(FILE *out, size_t n, const session_layer *layers, int64_t total);

/* The table of a session's model, then dtype, device and workers. ODEON_ERR_NOMEM. */
odeon_status summary_print(FILE *out, const session *s, int32_t dtype);

/* Loss, metrics and each ODE block's counters of one batch, a line each. */
void summary_result(FILE *out, const session *s, const session_result *r);

#endif
