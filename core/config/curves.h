/* curves.h: keys that follow a schedule while a phase of a run lasts, as the learning rate does:
 *
 *   [train]
 *   set = loss.penalty.weight: linear(from=0, epochs=20)
 *
 * In each step of the phase such a key is its own value, as it stands in its section, times the
 * schedule's factor; everywhere else, in tests too, it is its own value. */
#ifndef ODEON_CORE_CONFIG_CURVES_H
#define ODEON_CORE_CONFIG_CURVES_H
#include "config/loading.h"

/* Takes "KEY: SCHEDULE" out of set, a list that may be empty, into c->curves as of phase, and
 * brings set to its normal form. What is left of the list, "KEY=VALUE", is the caller's, for
 * schema_split_free, on failure too. */
odeon_status curves_read(loading *l, option_value *set, const char *section, size_t phase,
                         size_t *n_left, char ***left);

#endif
