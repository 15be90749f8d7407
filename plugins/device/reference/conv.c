#include "odeon/device_conv.h"
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
static odeon_status expect_shapes(odeon_queue *queue, const odeon_conv_geometry *geometry,
                                  const odeon_shape *x, const odeon_shape *w, const odeon_shape *y)
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
static uint64_t reference_conv2d_scratch(const odeon_device *device,
                                         const odeon_conv_geometry *geometry, const odeon_shape *x,
                                         const odeon_shape *w)
{
    (void)device;
    (void)geometry;
    (void)x;
    (void)w;
    return 0;
}

/* The result y[b,k,p,q] before the epilogue: the product of one window of x with filter k. */
static double window_product(const odeon_conv_geometry *geometry, const odeon_view *x,
                             const odeon_view *w, int64_t b, int64_t k, int64_t p, int64_t q)
{
    double sum = 0.0;
    for (int64_t c = 0; c < w->shape.dim[1]; c++) {
        for (int64_t r = 0; r < w->shape.dim[2]; r++) {
            for (int64_t s = 0; s < w->shape.dim[3]; s++) {
                int64_t row = p * geometry->stride_h - geometry->padding_h + r;
                int64_t column = q * geometry->stride_w - geometry->padding_w + s;
                if (row >= 0 && row < x->shape.dim[2] && column >= 0 && column < x->shape.dim[3]) {
                    sum += load(x, at4(x, b, c, row, column)) * load(w, at4(w, k, c, r, s));
                }
            }
        }
    }
    return sum;
}

/* x [B,C,H,W], w [K,C,R,S] -> y [B,K,P,Q]. */
static odeon_status reference_conv2d(odeon_queue *queue, const odeon_conv2d *call)
{
    ODEON_TRY(reference_begin(queue, "conv2d", call->flags));
    ODEON_TRY(expect_shapes(queue, &call->geometry, &call->x->shape, &call->w->shape,
                            &call->y->view.shape));
    ODEON_TRY(reference_expect_finish(queue, call->bias, call->act, call->y->view.shape.dtype,
                                      call->y->view.shape.dim[1]));
    for (int64_t b = 0; b < call->y->view.shape.dim[0]; b++) {
        for (int64_t k = 0; k < call->y->view.shape.dim[1]; k++) {
            for (int64_t p = 0; p < call->y->view.shape.dim[2]; p++) {
                for (int64_t q = 0; q < call->y->view.shape.dim[3]; q++) {
                    double sum = window_product(&call->geometry, call->x, call->w, b, k, p, q);
                    store(call->y, at4(&call->y->view, b, k, p, q),
                          reference_finish(call->bias, call->act, k, sum));
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
static double input_gradient(const odeon_conv_geometry *geometry, const odeon_view *w,
                             const odeon_view *dy, int64_t b, int64_t c, int64_t row,
                             int64_t column)
{
    double sum = 0.0;
    for (int64_t k = 0; k < w->shape.dim[0]; k++) {
        for (int64_t r = 0; r < w->shape.dim[2]; r++) {
            for (int64_t s = 0; s < w->shape.dim[3]; s++) {
                int64_t p =
                    window_of(row, geometry->padding_h, r, geometry->stride_h, dy->shape.dim[2]);
                int64_t q =
                    window_of(column, geometry->padding_w, s, geometry->stride_w, dy->shape.dim[3]);
                if (p >= 0 && q >= 0) {
                    sum += load(dy, at4(dy, b, k, p, q)) * load(w, at4(w, k, c, r, s));
                }
            }
        }
    }
    return sum;
}

/* w [K,C,R,S], dy [B,K,P,Q] -> dx [B,C,H,W]. */
static odeon_status reference_conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d_vjp_x *call)
{
    ODEON_TRY(reference_begin(queue, "conv2d_vjp_x", call->flags));
    ODEON_TRY(expect_shapes(queue, &call->geometry, &call->dx->view.shape, &call->w->shape,
                            &call->dy->shape));
    for (int64_t b = 0; b < call->dx->view.shape.dim[0]; b++) {
        for (int64_t c = 0; c < call->dx->view.shape.dim[1]; c++) {
            for (int64_t row = 0; row < call->dx->view.shape.dim[2]; row++) {
                for (int64_t column = 0; column < call->dx->view.shape.dim[3]; column++) {
                    store(call->dx, at4(&call->dx->view, b, c, row, column),
                          input_gradient(&call->geometry, call->w, call->dy, b, c, row, column));
                }
            }
        }
    }
    return ODEON_OK;
}

/* The gradient dw[k,c,r,s]: the sum over all uses of this weight of its input times the gradient of
 * its output. */
static double weight_gradient(const odeon_conv_geometry *geometry, const odeon_view *x,
                              const odeon_view *dy, int64_t k, int64_t c, int64_t r, int64_t s)
{
    double sum = 0.0;
    for (int64_t b = 0; b < dy->shape.dim[0]; b++) {
        for (int64_t p = 0; p < dy->shape.dim[2]; p++) {
            for (int64_t q = 0; q < dy->shape.dim[3]; q++) {
                int64_t row = p * geometry->stride_h - geometry->padding_h + r;
                int64_t column = q * geometry->stride_w - geometry->padding_w + s;
                if (row >= 0 && row < x->shape.dim[2] && column >= 0 && column < x->shape.dim[3]) {
                    sum += load(x, at4(x, b, c, row, column)) * load(dy, at4(dy, b, k, p, q));
                }
            }
        }
    }
    return sum;
}

/* x [B,C,H,W], dy [B,K,P,Q]; adds to dw [K,C,R,S]. */
static odeon_status reference_conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d_vjp_w *call)
{
    ODEON_TRY(reference_begin(queue, "conv2d_vjp_w", call->flags));
    ODEON_TRY(expect_shapes(queue, &call->geometry, &call->x->shape, &call->dw->view.shape,
                            &call->dy->shape));
    for (int64_t k = 0; k < call->dw->view.shape.dim[0]; k++) {
        for (int64_t c = 0; c < call->dw->view.shape.dim[1]; c++) {
            for (int64_t r = 0; r < call->dw->view.shape.dim[2]; r++) {
                for (int64_t s = 0; s < call->dw->view.shape.dim[3]; s++) {
                    int64_t i = at4(&call->dw->view, k, c, r, s);
                    store(call->dw, i,
                          load(&call->dw->view, i) +
                              weight_gradient(&call->geometry, call->x, call->dy, k, c, r, s));
                }
            }
        }
    }
    return ODEON_OK;
}

const odeon_conv_family reference_conv = {
    .struct_size = sizeof(odeon_conv_family),
    .conv2d_scratch = reference_conv2d_scratch,
    .conv2d = reference_conv2d,
    .conv2d_vjp_x = reference_conv2d_vjp_x,
    .conv2d_vjp_w = reference_conv2d_vjp_w,
};
