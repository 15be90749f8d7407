/* draw_files.h: files of samples that a model has made. */
#ifndef ODEON_CORE_RUN_DRAW_FILES_H
#define ODEON_CORE_RUN_DRAW_FILES_H
#include "run/predict.h"

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
