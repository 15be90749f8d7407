/* metrics_compare.h: the rows of two runs, held against each other. */
#ifndef ODEON_CORE_RUN_METRICS_COMPARE_H
#define ODEON_CORE_RUN_METRICS_COMPARE_H
#include "base/text.h"

/* Adds to out the first difference of two metrics.csv, columns of time and effort apart: in the
 * columns; else in the first row, of those that both have, in which a cell differs, as
 * "step 12 (train): loss 0.51 | 0.52"; else the first row that only one of them has. Nothing if
 * there is none. Both texts are cut into lines. */
void metrics_difference(char *a, char *b, text_buffer *out);

#endif
