/* bench_print.h: what was timed, for people and for programs. */
#ifndef ODEON_CORE_RUN_BENCH_PRINT_H
#define ODEON_CORE_RUN_BENCH_PRINT_H
#include <stdio.h>

#include "run/bench.h"

/* A heading for the variants, then a table for each of what was timed. */
void bench_print_table(FILE *out, const bench_plan *plan, const bench_result *r);
/* One line a row; figures that are not known are empty. Times in milliseconds. */
odeon_status bench_print_csv(FILE *out, const bench_plan *plan, const bench_result *r);
/* {"variants": [...], "rows": [...]}; times in seconds. */
odeon_status bench_print_json(FILE *out, const bench_plan *plan, const bench_result *r);

#endif
