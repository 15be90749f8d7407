/* shape.h: print shapes in messages, and view a tensor under another shape. */
#ifndef ODEON_LAYER_SHAPE_H
#define ODEON_LAYER_SHAPE_H
#include "odeon/tensor.h"

typedef struct shape_text {
    char text[160]; /* enough for six dimensions of 19 digits */
} shape_text;

shape_text shape_print(const odeon_tensor *x); /* "[128, 64, 6, 6]" */

/* View x [B,C,...] as [B,C,S], S being the product of the dimensions after the channels (1 for
 * [B,C]); x has at least two dimensions. */
odeon_tensor shape_channels(const odeon_tensor *x);

#endif
