/* optimizer.h: the optimizer of one worker, and its part in an update of all parameters. */
#ifndef ODEON_CORE_SESSION_OPTIMIZER_H
#define ODEON_CORE_SESSION_OPTIMIZER_H
#include <stdbool.h>

#include "session/request.h"
#include "session/worker.h"

odeon_status optimizer_make(worker *w);
/* Another phase's takes its place on this worker; the model's moments are counted anew. */
odeon_status optimizer_choose(worker *w, size_t phase);

bool optimizer_searches(const worker *w); /* by minimize in place of update */

double optimizer_learning_rate(const worker *w); /* before any schedule */
/* The plugin's own text. */
const char *optimizer_moment_name(const worker *w, int32_t moment);

/* Sets the gradient of frozen parameters to 0, so that its norm is that of the others. */
odeon_status optimizer_freeze(const worker *w);
/* Scales the gradient [trainable] to a norm of at most train.clip_norm. */
odeon_status optimizer_clip(worker *w, double norm);
/* After a step that is no optimizer_update: moves the mean of the weights, of train.ema. */
odeon_status optimizer_average(const worker *w);
/* Steps the parameters that are this worker's to step, on values and moments [trainable]. Others'
 * are not to be read before the next collective. */
odeon_status optimizer_update(worker *w, const batch *b);

#endif
