/* smooth.h: layers y = f(x), element by element, that are put together of the device's functions:
 * any shape, no parameters. Unlike those of pointwise.h they keep x, and are no epilogue. */
#ifndef ODEON_LAYER_SMOOTH_H
#define ODEON_LAYER_SMOOTH_H
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/host.h"
#include "odeon/layer.h"

/* One evaluation: x is read, y is written, a and b are free to overwrite; all of one shape and
 * apart. */
typedef struct smooth_work {
    const odeon_layer_call *call;
    const odeon_view *x;
    const odeon_tensor *y;
    odeon_tensor a, b;
} smooth_work;

/* y = f(x), or y = f'(x). parameter is the instance's. */
typedef odeon_status smooth_function(const smooth_work *w, double parameter);

typedef struct smooth {
    ODEON_INSTANCE;
    double parameter; /* a layer's option, or 0 */
    int64_t choice;   /* the same */
    smooth_function *value, *slope;
} smooth;

extern const odeon_layer_ops smooth_ops;

/* What functions are put together of. y = f(x) of a unary id, y may be x. */
odeon_status smooth_unary(const smooth_work *w, int32_t id, const odeon_view *x,
                          const odeon_tensor *y);
/* y = scale x + shift; y is not x. */
odeon_status smooth_affine(const smooth_work *w, double scale, double shift, const odeon_view *x,
                           const odeon_tensor *y);
/* y *= x; y += x. */
odeon_status smooth_multiply(const smooth_work *w, const odeon_view *x, const odeon_tensor *y);
odeon_status smooth_add(const smooth_work *w, const odeon_view *x, const odeon_tensor *y);
/* y = 1 where x > 0, else 0; overwrites a and b; y may be a. */
odeon_status smooth_step(const smooth_work *w, const odeon_tensor *y);

#endif
