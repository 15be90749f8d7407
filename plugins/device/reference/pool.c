#include "odeon/device_pool.h"
#include "reference.h"

#include <math.h>

/* x [B,C,H,W], y [B,C,P,Q] with P, Q as reference_windows gives. */
static odeon_status expect_pool(odeon_queue *queue, const odeon_pool_geometry *g,
                                const odeon_shape *x, const odeon_shape *y)
{
    ODEON_TRY(reference_expect_true(queue, g->kind == ODEON_POOL_AVG || g->kind == ODEON_POOL_MAX,
                                    "pool2d: the kind is none of ODEON_POOL_"));
    ODEON_TRY(reference_expect_real(queue, "pool2d: x", x, 4));
    int64_t P = reference_windows(x->dim[2], g->padding_h, g->kernel_h, g->stride_h);
    int64_t Q = reference_windows(x->dim[3], g->padding_w, g->kernel_w, g->stride_w);
    return reference_expect(queue, "pool2d: y", y, x->dtype, 4,
                            (int64_t[]){x->dim[0], x->dim[1], P, Q});
}

/* The part of a window that lies within its image, of sample b and channel c: rows [top, bottom),
 * columns [left, right). Empty if the window covers only padding. */
typedef struct window_area {
    int64_t b, c, top, bottom, left, right;
} window_area;

/* The range [*from, *to) of rows (or columns) of size that window number index covers, without
 * padding. */
static void window_range(int64_t index, int64_t stride, int64_t padding, int64_t kernel,
                         int64_t size, int64_t *from, int64_t *to)
{
    int64_t start = index * stride - padding;
    *from = start < 0 ? 0 : start;
    *to = start + kernel > size ? size : start + kernel;
}

/* The window of x[B,C,H,W] behind element i of y[B,C,P,Q]. */
static window_area find_window(const odeon_pool_geometry *g, const odeon_view *x,
                               const odeon_view *y, int64_t i)
{
    int64_t Q = y->shape.dim[3], P = y->shape.dim[2], C = y->shape.dim[1];
    window_area w = {.b = i / (Q * P * C), .c = i / (Q * P) % C};
    window_range(i / Q % P, g->stride_h, g->padding_h, g->kernel_h, x->shape.dim[2], &w.top,
                 &w.bottom);
    window_range(i % Q, g->stride_w, g->padding_w, g->kernel_w, x->shape.dim[3], &w.left, &w.right);
    return w;
}

/* Divides by the whole window, padded zeros included, as torch.nn.AvgPool2d with its defaults. */
static double window_mean(const odeon_pool_geometry *g, const odeon_view *x, const window_area *w)
{
    double sum = 0.0, area = (double)g->kernel_h * g->kernel_w; /* padded zeros included */
    for (int64_t row = w->top; row < w->bottom; row++) {
        for (int64_t column = w->left; column < w->right; column++) {
            sum += load(x, at4(x, w->b, w->c, row, column));
        }
    }
    return sum / area;
}

/* Offset in x of the first largest element, or of the last NaN if there is one; -1 for an empty
 * window. */
static int64_t find_largest(const odeon_view *x, const window_area *w)
{
    int64_t best = -1;
    for (int64_t row = w->top; row < w->bottom; row++) {
        for (int64_t column = w->left; column < w->right; column++) {
            int64_t at = at4(x, w->b, w->c, row, column);
            if (best < 0 || load(x, at) > load(x, best) || isnan(load(x, at))) {
                best = at;
            }
        }
    }
    return best;
}

/* x [B,C,H,W] -> y [B,C,P,Q]. */
static odeon_status reference_pool2d(odeon_queue *queue, const odeon_pool2d *call)
{
    ODEON_TRY(reference_begin(queue, "pool2d", call->flags));
    ODEON_TRY(expect_pool(queue, &call->geometry, &call->x->shape, &call->y->view.shape));
    for (int64_t i = 0; i < odeon_count(&call->y->view.shape); i++) {
        window_area window = find_window(&call->geometry, call->x, &call->y->view, i);
        if (call->geometry.kind == ODEON_POOL_AVG) {
            store(call->y, i, window_mean(&call->geometry, call->x, &window));
        } else {
            int64_t best = find_largest(call->x, &window);
            store(call->y, i, best < 0 ? -HUGE_VAL : load(call->x, best));
        }
    }
    return ODEON_OK;
}

/* Does element i of x, at row and column of its image, contribute to this window's result? */
static int32_t contributes(const odeon_pool_geometry *g, const odeon_view *x, const window_area *w,
                           int64_t row, int64_t column, int64_t i)
{
    return row >= w->top && row < w->bottom && column >= w->left && column < w->right &&
           (g->kind == ODEON_POOL_AVG || find_largest(x, w) == i);
}

/* x [B,C,H,W] (MAX only), dy [B,C,P,Q] -> dx [B,C,H,W]. Collects for each input all windows that it
 * contributed to: slow, but plainly the transpose of the forward loop. */
static odeon_status reference_pool2d_vjp(odeon_queue *queue, const odeon_pool2d_vjp *call)
{
    ODEON_TRY(reference_begin(queue, "pool2d_vjp", call->flags));
    ODEON_TRY(expect_pool(queue, &call->geometry, &call->dx->view.shape, &call->dy->shape));
    if (call->geometry.kind == ODEON_POOL_MAX) {
        ODEON_TRY(reference_expect_true(queue, call->x != NULL, "pool2d_vjp: MAX without x"));
        ODEON_TRY(
            reference_expect_like(queue, "pool2d_vjp: x", &call->x->shape, &call->dx->view.shape));
    }
    double area = call->geometry.kind == ODEON_POOL_AVG
                      ? (double)call->geometry.kernel_h * call->geometry.kernel_w
                      : 1.0;
    int64_t W = call->dx->view.shape.dim[3], H = call->dx->view.shape.dim[2],
            windows = call->dy->shape.dim[2] * call->dy->shape.dim[3];
    for (int64_t i = 0; i < odeon_count(&call->dx->view.shape); i++) {
        int64_t column = i % W, row = i / W % H, image = i / (W * H);
        double sum = 0.0;
        for (int64_t k = image * windows; k < (image + 1) * windows; k++) {
            window_area window = find_window(&call->geometry, &call->dx->view, call->dy, k);
            if (contributes(&call->geometry, call->x, &window, row, column, i)) {
                sum += load(call->dy, k);
            }
        }
        store(call->dx, i, sum / area);
    }
    return ODEON_OK;
}

/* x, x_dot [B,C,H,W] -> y_dot [B,C,P,Q]; MAX only. */
static odeon_status reference_pool2d_jvp(odeon_queue *queue, const odeon_pool2d_jvp *call)
{
    ODEON_TRY(reference_begin(queue, "pool2d_jvp", call->flags));
    ODEON_TRY(expect_pool(queue, &call->geometry, &call->x->shape, &call->y_dot->view.shape));
    ODEON_TRY(reference_expect_true(queue, call->geometry.kind == ODEON_POOL_MAX,
                                    "pool2d_jvp: the kind is not MAX"));
    ODEON_TRY(
        reference_expect_like(queue, "pool2d_jvp: x_dot", &call->x_dot->shape, &call->x->shape));
    for (int64_t i = 0; i < odeon_count(&call->y_dot->view.shape); i++) {
        window_area window = find_window(&call->geometry, call->x, &call->y_dot->view, i);
        int64_t best = find_largest(call->x, &window);
        store(call->y_dot, i, best < 0 ? 0.0 : load(call->x_dot, best));
    }
    return ODEON_OK;
}

const odeon_pool_family reference_pool = {
    .struct_size = sizeof(odeon_pool_family),
    .pool2d = reference_pool2d,
    .pool2d_vjp = reference_pool2d_vjp,
    .pool2d_jvp = reference_pool2d_jvp,
};
