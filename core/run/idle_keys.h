/* idle_keys.h: keys that are set and change nothing. */
#ifndef ODEON_CORE_RUN_IDLE_KEYS_H
#define ODEON_CORE_RUN_IDLE_KEYS_H
#include <stdio.h>

#include "config/config.h"

/* Writes a line (note.h) for each key that a replaced component had, for each option given in the
 * model that rests because of another one, and for each override of what is left out or stands
 * nowhere, with file, line and the reason; answers how many. Fixed or recorded steps of an ODE
 * block (steps, step_size, control with a file) let what steers adaptive ones rest. */
size_t idle_keys_print(FILE *out, const config *c);
/* The same for one component of the section [model.path]. */
size_t idle_keys_component(FILE *out, const char *path, const odeon_config *component);

#endif
