/* fuzz.h: what the fuzz targets share. */
#ifndef ODEON_TESTS_FUZZ_FUZZ_H
#define ODEON_TESTS_FUZZ_FUZZ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "odeon/status.h"

/* What libFuzzer calls with every input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Ends the process with what, which libFuzzer takes for a finding, unless holds. */
void fuzz_demand(bool holds, const char *what);

/* Demands that status is an answer to bad input, not a bug, and that its reason is one printable
 * line; status ODEON_OK is none. Clears the reason. */
void fuzz_check_failure(odeon_status status);

#endif
