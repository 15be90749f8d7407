/* vectors.h: what a step computes with vectors of the parameters' size, [n] each, on the device.
 * What gives a number waits for it. */
#ifndef ODEON_OPTIMIZER_LBFGS_VECTORS_H
#define ODEON_OPTIMIZER_LBFGS_VECTORS_H
#include "odeon/optimizer.h"

odeon_status vector_dot(const odeon_minimize *call, const odeon_tensor *a, const odeon_tensor *b,
                        double *out);
/* max |x| */
odeon_status vector_max(const odeon_minimize *call, const odeon_tensor *x, double *out);
/* sum |x|; spare is overwritten */
odeon_status vector_sum(const odeon_minimize *call, const odeon_tensor *x,
                        const odeon_tensor *spare, double *out);
/* y = base + a x; base NULL: 0; y may be either */
odeon_status vector_add(const odeon_minimize *call, const odeon_tensor *y, const odeon_tensor *base,
                        double a, const odeon_tensor *x);
odeon_status vector_copy(const odeon_minimize *call, const odeon_tensor *x, const odeon_tensor *y);

#endif
