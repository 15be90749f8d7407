/* shape.h: print shapes in messages, and view numbers under another shape. */
#ifndef ODEON_LAYER_SHAPE_H
#define ODEON_LAYER_SHAPE_H
#include "odeon/tensor.h"

/* What bytes take in scratch or on a tape, so that what lies behind them begins at 64 as well. */
static inline uint64_t shape_aligned(int64_t bytes)
{
    return (uint64_t)(bytes + 63) / 64 * 64;
}

typedef struct shape_text {
    char text[192]; /* enough for ODEON_MAX_DIMS dimensions of 19 digits */
} shape_text;

shape_text shape_print(const odeon_shape *x); /* "[128, 64, 6, 6]" */

/* x [B,C,...] as [B,C,S], S being the product of the dimensions after the channels (1 for [B,C]);
 * x has at least two dimensions. */
odeon_shape shape_channels(const odeon_shape *x);
odeon_view shape_channels_view(const odeon_view *x);
odeon_tensor shape_channels_tensor(const odeon_tensor *x);

/* x under another shape of as many elements. */
odeon_view shape_view(const odeon_view *x, odeon_shape shape);
odeon_tensor shape_tensor(const odeon_tensor *x, odeon_shape shape);

#endif
