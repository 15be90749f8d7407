/* start.h: what a run begins with. It is known whatever has become of the device: the initial
 * values follow from the seed, or stand in train.weights, and the moments are 0. */
#ifndef ODEON_CORE_SESSION_START_H
#define ODEON_CORE_SESSION_START_H
#include "session/snapshot.h"

/* As session_tensors_list with moments, and session_tensors_read. */
odeon_status session_start_list(session *s, session_tensors *out);
odeon_status session_start_read(void *list, size_t index, uint64_t offset, size_t bytes, void *out);

/* A transfer_numbers of the initial values; context is the session. */
odeon_status start_numbers(void *context, const param *p, int64_t first, int64_t n, double *out);

#endif
