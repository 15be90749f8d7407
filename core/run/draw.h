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

/* Grey values of images: what is black and what is white. */
typedef struct draw_range {
    double lo, hi; /* lo < hi */
} draw_range;

/* Is the name one that draw_write knows what to do with? ODEON_ERR_CONFIG. */
odeon_status draw_check_name(const char *path);
/* Writes to path (output_file.h): NAME.npy with [n, ...] in dtype; NAME.png with all samples as
 * images side by side; else lines sample,y0,y1,... Samples of as many numbers as the model takes
 * have the shape of what it takes, `one`. ODEON_ERR_CONFIG where these are no images. */
odeon_status draw_write(const char *path, uint32_t dtype, const odeon_shape *one, draw_range range,
                        const predictions *p);

#endif
