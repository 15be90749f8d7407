/* draw.h: samples of a model that makes them from normal noise. */
#ifndef ODEON_CORE_RUN_DRAW_H
#define ODEON_CORE_RUN_DRAW_H
#include "config/config.h"
#include "run/predict.h"
#include "session/handle.h"

/* Gives the model n samples of normal noise, each of the shape that it takes, in batches of
 * c->test_batch; the numbers follow from run.seed and a sample's place alone. What the data set
 * standardized is undone where the model makes what it takes. out has neither rows nor labels that
 * mean anything. ODEON_ERR_NUMERIC if an output is not finite. out can be given to predictions_fini
 * whatever the answer. */
odeon_status draw_samples(const config *c, session *s, int64_t n, predictions *out);

#endif
