/* made.h: numbers of a sample that layers outside of ODE blocks make for losses
 * (ODEON_LAYER_QUANTITIES). Layers add them in float64; losses see them in the run's dtype. */
#ifndef ODEON_CORE_SESSION_MADE_H
#define ODEON_CORE_SESSION_MADE_H
#include "session/worker.h"

/* Finds what the layers of the worker's network make. ODEON_ERR_CONFIG for too much. */
odeon_status made_init(worker *w);
void made_fini(worker *w);
int32_t made_find(const worker *w, const char *name); /* of "LAYER.NAME"; -1: nobody makes it */

/* Before a forward of so many samples: room, and zeros, for what call's layers add. */
odeon_status made_begin(worker *w, int64_t samples, odeon_layer_call *call);
/* After it: the numbers as losses see them, and cotangents of 0 if there will be a backward. */
odeon_status made_finish_forward(worker *w, bool backward);
odeon_view made_value(const worker *w, int32_t i);       /* [samples] */
odeon_tensor made_cotangent(const worker *w, int32_t i); /* to be added to by losses */
/* Before a backward: gives call's layers the cotangents. */
odeon_status made_begin_backward(worker *w, odeon_layer_call *call);

#endif
