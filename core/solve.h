/* solve.h: the states along a model's first ODE block as lines of text. */
#ifndef ODEON_CORE_SOLVE_H
#define ODEON_CORE_SOLVE_H
#include "predict.h"
#include "text.h"

/* Adds "sample,t,y0,y1,..." and a line for every sample at every time that comes out of the block
 * to out, for all samples of in or, with in NULL, of source, in batches of batch; with neither for
 * one sample of zeros. sum: evaluations and steps of all batches. ODEON_ERR_NUMERIC if a state is
 * not finite, ODEON_ERR_CONFIG without an ODE block. */
odeon_status solve_csv(session *s, const predict_input *in, const data_source *source,
                       int64_t batch, text_buffer *out, metrics_block *sum);

#endif
