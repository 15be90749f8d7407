/* later_keys.h: keys that hold at another time than the beginning of a run: those of [sample.NAME],
 * and what phases set. They are read as overrides, but stand in the INI. */
#ifndef ODEON_CORE_COMMAND_LATER_KEYS_H
#define ODEON_CORE_COMMAND_LATER_KEYS_H
#include <stdio.h>

#include "command/setup.h"

/* A failure of a configuration that keys [n] of a section of the INI were overrides of: its message
 * gets the place where, and no longer says that the command line had the key. Returns status. */
odeon_status later_keys_blame(odeon_status status, location where, const char *section, size_t n,
                              char *const *keys);

/* Builds the shapes of the model that `odeon sample` would draw from, if the INI has sections
 * [sample.NAME]: s has its own configuration, which says where they stand. Plugin files that the
 * INI names are loaded as for setup_open_unknown. */
odeon_status later_keys_check_sample(const command_line *a, const setup *s);

#endif
