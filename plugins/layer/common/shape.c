#include "shape.h"

#include <stdio.h>

shape_text shape_print(const odeon_shape *x)
{
    shape_text out = {"["};
    size_t at = 1;
    for (int32_t i = 0; i < x->ndim; i++) {
        int n = snprintf(out.text + at, sizeof out.text - at, "%s%lld", i == 0 ? "" : ", ",
                         (long long)x->dim[i]);
        at += n > 0 ? (size_t)n : 0;
    }
    (void)snprintf(out.text + at, sizeof out.text - at, "]");
    return out;
}

odeon_shape shape_channels(const odeon_shape *x)
{
    odeon_shape out = {.ndim = 3, .dtype = x->dtype, .dim = {x->dim[0], x->dim[1], 1}};
    for (int32_t i = 2; i < x->ndim; i++) {
        out.dim[2] *= x->dim[i];
    }
    return out;
}

odeon_view shape_view(const odeon_view *x, odeon_shape shape)
{
    odeon_view out = *x;
    out.shape = shape;
    return out;
}

odeon_tensor shape_tensor(const odeon_tensor *x, odeon_shape shape)
{
    return (odeon_tensor){.view = shape_view(&x->view, shape)};
}

odeon_view shape_channels_view(const odeon_view *x)
{
    return shape_view(x, shape_channels(&x->shape));
}

odeon_tensor shape_channels_tensor(const odeon_tensor *x)
{
    return (odeon_tensor){.view = shape_channels_view(&x->view)};
}
