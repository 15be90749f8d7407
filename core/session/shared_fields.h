/* shared_fields.h: what every worker has to know of the whole batch before it goes forward: how
 * many elements of the label count, and the times that the samples have in common. */
#ifndef ODEON_CORE_SESSION_SHARED_FIELDS_H
#define ODEON_CORE_SESSION_SHARED_FIELDS_H
#include "session/request.h"
#include "session/worker.h"

odeon_status shared_fields_init(worker *w);
void shared_fields_fini(worker *w);

/* Sets counted, times, own_times and deviant of w->fields, whose tensors hold the slice of n
 * samples from first on. A collective, in batches that have masks or times. */
odeon_status shared_fields_set(worker *w, const batch *b, int64_t first, int64_t n);

#endif
