/* option_samples.h: an option of every type, for the tests of what options are and of their
 * values. */
#ifndef ODEON_TESTS_OPTION_SAMPLES_H
#define ODEON_TESTS_OPTION_SAMPLES_H
#include "odeon/option.h"
#include "odeon/plugin.h"

/* By name, from "whole", "large", "real", "bound", "share", "flag", "word", "pick", "file",
 * "wholes", "reals", "moments", "units", "part"; fails the test on another. */
const odeon_option *option_sample(const char *name);

/* A layer with all of them, in this order, and without operations. */
extern const odeon_component option_samples;

#endif
