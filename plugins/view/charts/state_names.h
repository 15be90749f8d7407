/* state_names.h: what the numbers of a block's state are called. */
#ifndef ODEON_VIEW_CHARTS_STATE_NAMES_H
#define ODEON_VIEW_CHARTS_STATE_NAMES_H
#include "asking.h"

/* The k-th of size numbers of the state: the data set's column where the state is what was
 * observed, the variable of the formula that is the block's field; else "y₀" and so on. Names come
 * from files: whoever shows one escapes it. It is the drawing's, and short enough for an axis. */
const char *state_name(const asking *a, size_t k, size_t size);

#endif
