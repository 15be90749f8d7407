#include "reference.h"

/* y[b,k,p,q] = sum over c, r, s of x[b,c,h,w] w[k,c,r,s] with h = p stride_h - padding_h + r and w
 * = q stride_w - padding_w + s. Both gradients follow from this line by collecting the terms of one
 * x or one w. */

int64_t reference_windows(int64_t size, int64_t padding, int64_t kernel, int64_t stride)
{
    int64_t room = size + 2 * padding - kernel;
    return room < 0 ? 0 : room / stride + 1;
}

/* x [B,C,H,W], w [K,C,R,S], y [B,K,P,Q] with P, Q as reference_windows gives. */
static odeon_status expect_shapes(odeon_queue *queue, const odeon_conv2d *geometry,
                                  const odeon_tensor *x, const odeon_tensor *w,
                                  const odeon_tensor *y)
{
    ODEON_TRY(reference_expect_real(queue, "conv2d: x", x, 4));
    ODEON_TRY(reference_expect_real(queue, "conv2d: w", w, 4));
    int64_t B = x->dim[0], C = x->dim[1], K = w->dim[0], R = w->dim[2], S = w->dim[3];
    int64_t P = reference_windows(x->dim[2], geometry->padding_h, R, geometry->stride_h);
    int64_t Q = reference_windows(x->dim[3], geometry->padding_w, S, geometry->stride_w);
    ODEON_TRY(reference_expect(queue, "conv2d: w", w, x->dtype, 4, (int64_t[]){K, C, R, S}));
    return reference_expect(queue, "conv2d: y", y, x->dtype, 4, (int64_t[]){B, K, P, Q});
}

/* The loops below need no scratch. */
uint64_t reference_conv2d_scratch(void *device, const odeon_conv2d *geometry, const odeon_tensor *x,
                                  const odeon_tensor *w)
{
    (void)device;
    (void)geometry;
    (void)x;
    (void)w;
    return 0;
}

/* The result y[b,k,p,q] before the epilogue: the product of one window of x with filter k. */
static double window_product(const odeon_conv2d *geometry, const odeon_tensor *x,
                             const odeon_tensor *w, int64_t b, int64_t k, int64_t p, int64_t q)
{
    double sum = 0.0;
    for (int64_t c = 0; c < w->dim[1]; c++) {
        for (int64_t r = 0; r < w->dim[2]; r++) {
            for (int64_t s = 0; s < w->dim[3]; s++) {
                int64_t row = p * geometry->stride_h - geometry->padding_h + r;
                int64_t column = q * geometry->stride_w - geometry->padding_w + s;
                if (row >= 0 && row < x->dim[2] && column >= 0 && column < x->dim[3]) {
                    sum += load(x, at4(x, b, c, row, column)) * load(w, at4(w, k, c, r, s));
                }
            }
        }
    }
    return sum;
}

/* x [B,C,H,W], w [K,C,R,S] -> y [B,K,P,Q]. */
odeon_status reference_conv2d(odeon_queue *queue, const odeon_conv2d *geometry,
                              const odeon_tensor *x, const odeon_tensor *w,
                              const odeon_epilogue *epilogue, const odeon_tensor *y, void *scratch)
{
    (void)scratch;
    ODEON_TRY(expect_shapes(queue, geometry, x, w, y));
    ODEON_TRY(reference_expect_epilogue(queue, epilogue, y->dtype, y->dim[1]));
    for (int64_t b = 0; b < y->dim[0]; b++) {
        for (int64_t k = 0; k < y->dim[1]; k++) {
            for (int64_t p = 0; p < y->dim[2]; p++) {
                for (int64_t q = 0; q < y->dim[3]; q++) {
                    double sum = window_product(geometry, x, w, b, k, p, q);
                    store(y, at4(y, b, k, p, q), reference_finish(epilogue, k, sum));
                }
            }
        }
    }
    return ODEON_OK;
}

/* The index of the window that has the image's position at its element offset; -1 if there is
 * none. */
static int64_t window_of(int64_t position, int64_t padding, int64_t offset, int64_t stride,
                         int64_t count)
{
    int64_t start = position + padding - offset;
    return start < 0 || start % stride != 0 || start / stride >= count ? -1 : start / stride;
}

/* The gradient dx[b,c,row,column]: the sum over all outputs that used this input of their gradient
 * times the weight. */
static double input_gradient(const odeon_conv2d *geometry, const odeon_tensor *w,
                             const odeon_tensor *dy, int64_t b, int64_t c, int64_t row,
                             int64_t column)
{
    double sum = 0.0;
    for (int64_t k = 0; k < w->dim[0]; k++) {
        for (int64_t r = 0; r < w->dim[2]; r++) {
            for (int64_t s = 0; s < w->dim[3]; s++) {
                int64_t p = window_of(row, geometry->padding_h, r, geometry->stride_h, dy->dim[2]);
                int64_t q =
                    window_of(column, geometry->padding_w, s, geometry->stride_w, dy->dim[3]);
                if (p >= 0 && q >= 0) {
                    sum += load(dy, at4(dy, b, k, p, q)) * load(w, at4(w, k, c, r, s));
                }
            }
        }
    }
    return sum;
}

/* w [K,C,R,S], dy [B,K,P,Q] -> dx [B,C,H,W]. */
odeon_status reference_conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d *geometry,
                                    const odeon_tensor *w, const odeon_tensor *dy,
                                    const odeon_tensor *dx, void *scratch)
{
    (void)scratch;
    ODEON_TRY(expect_shapes(queue, geometry, dx, w, dy));
    for (int64_t b = 0; b < dx->dim[0]; b++) {
        for (int64_t c = 0; c < dx->dim[1]; c++) {
            for (int64_t row = 0; row < dx->dim[2]; row++) {
                for (int64_t column = 0; column < dx->dim[3]; column++) {
                    store(dx, at4(dx, b, c, row, column),
                          input_gradient(geometry, w, dy, b, c, row, column));
                }
            }
        }
    }
    return ODEON_OK;
}

/* The gradient dw[k,c,r,s]: the sum over all uses of this weight of its input times the gradient of
 * its output. */
static double weight_gradient(const odeon_conv2d *geometry, const odeon_tensor *x,
                              const odeon_tensor *dy, int64_t k, int64_t c, int64_t r, int64_t s)
{
    double sum = 0.0;
    for (int64_t b = 0; b < dy->dim[0]; b++) {
        for (int64_t p = 0; p < dy->dim[2]; p++) {
            for (int64_t q = 0; q < dy->dim[3]; q++) {
                int64_t row = p * geometry->stride_h - geometry->padding_h + r;
                int64_t column = q * geometry->stride_w - geometry->padding_w + s;
                if (row >= 0 && row < x->dim[2] && column >= 0 && column < x->dim[3]) {
                    sum += load(x, at4(x, b, c, row, column)) * load(dy, at4(dy, b, k, p, q));
                }
            }
        }
    }
    return sum;
}

/* x [B,C,H,W], dy [B,K,P,Q]; adds to dw [K,C,R,S]. */
odeon_status reference_conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d *geometry,
                                    const odeon_tensor *x, const odeon_tensor *dy,
                                    const odeon_tensor *dw, void *scratch)
{
    (void)scratch;
    ODEON_TRY(expect_shapes(queue, geometry, x, dw, dy));
    for (int64_t k = 0; k < dw->dim[0]; k++) {
        for (int64_t c = 0; c < dw->dim[1]; c++) {
            for (int64_t r = 0; r < dw->dim[2]; r++) {
                for (int64_t s = 0; s < dw->dim[3]; s++) {
                    int64_t i = at4(dw, k, c, r, s);
                    store(dw, i, load(dw, i) + weight_gradient(geometry, x, dy, k, c, r, s));
                }
            }
        }
    }
    return ODEON_OK;
}
