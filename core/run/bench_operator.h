/* bench_operator.h: an operator by itself, of shapes that a text gives. */
#ifndef ODEON_CORE_RUN_BENCH_OPERATOR_H
#define ODEON_CORE_RUN_BENCH_OPERATOR_H
#include "run/bench.h"

/* text is as operator_text gives it: "conv2d x=16x6x26x26 w=6x6x3x3 stride=1 padding=1". Tensors
 * that follow from others may be left out; those that are given have to fit. Times the call on the
 * device of each variant, which take turns, and as its best gemm and lincomb by themselves.
 * ODEON_ERR_CONFIG for a text that is none. out can be given to bench_result_fini whatever the
 * answer. */
odeon_status bench_operator_run(const bench_plan *plan, const char *text, bench_result *out);

#endif
