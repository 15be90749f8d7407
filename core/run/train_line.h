/* train_line.h: what came of a run, as one line of JSON for the program that started it. */
#ifndef ODEON_CORE_RUN_TRAIN_LINE_H
#define ODEON_CORE_RUN_TRAIN_LINE_H
#include <stdio.h>

#include "odeon/status.h"

/* Prints run_status_json of the run's folder, NULL if it came to none, with what status says of its
 * end and, as "error", this thread's message, which stays. */
void train_line_print(const char *folder, odeon_status status, FILE *out);

#endif
