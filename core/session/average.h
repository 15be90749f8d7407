/* average.h: the running mean of the weights, of train.ema. */
#ifndef ODEON_CORE_SESSION_AVERAGE_H
#define ODEON_CORE_SESSION_AVERAGE_H
#include <stdbool.h>

#include "odeon/status.h"
#include "session/handle.h"

bool session_averages(const session *s); /* is there such a mean? */
/* Lets it begin with the weights that there are. */
odeon_status session_begin_average(session *s);
/* Exchanges weights and their mean, to the bit; a second time puts them back. Between batches. */
odeon_status session_swap_average(session *s);

#endif
