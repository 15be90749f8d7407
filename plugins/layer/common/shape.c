#include "shape.h"

#include <stdio.h>

shape_text shape_print(const odeon_tensor *x)
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

odeon_tensor shape_channels(const odeon_tensor *x)
{
    odeon_tensor out = {.data = x->data, .ndim = 3, .dtype = x->dtype};
    out.dim[0] = x->dim[0];
    out.dim[1] = x->dim[1];
    out.dim[2] = 1;
    for (int32_t i = 2; i < x->ndim; i++) {
        out.dim[2] *= x->dim[i];
    }
    return out;
}
