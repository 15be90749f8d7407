/* train_summary.h: the lines at the end of a run. */
#ifndef ODEON_CORE_RUN_TRAIN_SUMMARY_H
#define ODEON_CORE_RUN_TRAIN_SUMMARY_H
#include "run/trainer.h"

void train_print_summary(const trainer *t, FILE *out);

#endif
