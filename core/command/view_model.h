/* view_model.h: services of a view that need a run's model: it is built anew from the run's
 * configuration and weights for each answer. */
#ifndef ODEON_CORE_COMMAND_VIEW_MODEL_H
#define ODEON_CORE_COMMAND_VIEW_MODEL_H
#include "command/view_session.h"

/* Slots of odeon_view_services; self is the view_session. */
odeon_status view_model_solve(void *self, const odeon_view_ask *ask, odeon_view_answer *out);
odeon_status view_model_predict(void *self, const odeon_view_ask *ask, odeon_view_answer *out);
odeon_status view_model_samples(void *self, const odeon_view_ask *ask, const int64_t *index,
                                odeon_view_answer *out);

/* Frees the answers so far. */
void view_model_release(view_session *s);

#endif
