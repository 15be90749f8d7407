/* view_model.h: services of a view that need a run's model: it is built anew from the run's
 * configuration and weights for each answer. */
#ifndef ODEON_CORE_COMMAND_VIEW_MODEL_H
#define ODEON_CORE_COMMAND_VIEW_MODEL_H
#include "command/command_line.h"
#include "odeon/view.h"

typedef struct view_answer view_answer;

/* Runs whose models can be asked. */
typedef struct view_models {
    const command_line *line; /* borrowed */
    int64_t n_runs;
    const odeon_view_run *const *runs; /* of the drawing under way; borrowed */
    view_answer *answers;              /* until they are released */
} view_models;

/* Slots of odeon_view_services; self is a view_models, or a structure that begins with one. */
odeon_status view_model_solve(void *self, const odeon_view_ask *ask, odeon_view_answer *out);
odeon_status view_model_predict(void *self, const odeon_view_ask *ask, odeon_view_answer *out);
odeon_status view_model_samples(void *self, const odeon_view_ask *ask, const int64_t *index,
                                odeon_view_answer *out);
odeon_status view_model_parameters(void *self, const odeon_view_ask *ask, int64_t *n,
                                   const odeon_view_tensor **out);
odeon_status view_model_evaluations(void *self, const odeon_view_ask *ask, odeon_view_answer *out);

/* Frees the answers so far; but for all, predictions of a whole split are kept. */
void view_model_release(view_models *s, bool all);
/* The same of those that came after `before`, which was the newest then. */
void view_model_release_since(view_models *s, const view_answer *before);

#endif
