#include "product.h"
#include "norm.h"
#include "odeon/device_conv.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"

/* What follows a product: bias, or NULL, and the unary id act. */
static odeon_status expect_finish(odeon_queue *queue, const odeon_view *bias, int32_t act,
                                  uint32_t dtype, int64_t channels)
{
    ODEON_TRY(expect_true(queue, act >= ODEON_UNARY_IDENTITY && act <= ODEON_UNARY_LAST_EPILOGUE,
                          "epilogue: this id cannot be one"));
    return bias == NULL ? ODEON_OK
                        : expect_shape(queue, "epilogue: bias", &bias->shape, dtype, 1, &channels);
}

odeon_status finish_product(odeon_queue *queue, const odeon_tensor *y, int64_t inner,
                            int64_t channels, const odeon_view *bias, int32_t act)
{
    const finish_args a = {.y = odeon_write(y),
                           .bias = read_or_null(bias),
                           .count = odeon_count(&y->view.shape),
                           .inner = kernel_divisor_of(inner),
                           .channels = kernel_divisor_of(channels),
                           .act = act,
                           .aligned = is_aligned(odeon_write(y))};
    if (a.bias == NULL && a.act == ODEON_UNARY_IDENTITY) {
        return ODEON_OK;
    }
    return launch(queue, kernel_of(KERNEL_finish_f32, y->view.shape.dtype), &a,
                  shape_vectors(&y->view.shape));
}

/* ---- products of matrices ---- */

/* Of count products, whose matrices have these numbers of rows and columns. */
static void lay_out(gemm_args *g, int64_t count, int64_t M, int64_t N, int64_t K, int32_t trans_a,
                    int32_t trans_b)
{
    g->count = count;
    g->M = M;
    g->N = N;
    g->K = K;
    g->a_m = trans_a ? 1 : K;
    g->a_k = trans_a ? M : 1;
    g->b_k = trans_b ? 1 : N;
    g->b_n = trans_b ? K : 1;
}

odeon_status gemm_arguments(odeon_queue *queue, const odeon_gemm *call, gemm_args *out)
{
    const odeon_shape *a = &call->a->shape, *b = &call->b->shape, *c = &call->c->view.shape;
    ODEON_TRY(expect_flags(queue, "gemm", call->flags));
    ODEON_TRY(expect_real(queue, "gemm: c", c, 2));
    ODEON_TRY(expect_real(queue, "gemm: a", a, 2));
    int64_t M = c->dim[0], N = c->dim[1], K = call->trans_a ? a->dim[0] : a->dim[1];
    const int64_t of_a[] = {call->trans_a ? K : M, call->trans_a ? M : K};
    const int64_t of_b[] = {call->trans_b ? N : K, call->trans_b ? K : N};
    ODEON_TRY(expect_shape(queue, "gemm: a", a, c->dtype, 2, of_a));
    ODEON_TRY(expect_shape(queue, "gemm: b", b, c->dtype, 2, of_b));
    ODEON_TRY(expect_finish(queue, call->bias, call->act, c->dtype, N));
    *out = (gemm_args){.a = odeon_read(call->a),
                       .b = odeon_read(call->b),
                       .c = odeon_write(call->c),
                       .bias = read_or_null(call->bias),
                       .alpha = call->alpha,
                       .beta = call->beta,
                       .act = call->act};
    lay_out(out, 1, M, N, K, call->trans_a, call->trans_b);
    return ODEON_OK;
}

static odeon_status multiply(odeon_queue *queue, const gemm_args *g, uint32_t dtype)
{
    return launch(queue, kernel_of(KERNEL_gemm_f32, dtype), g, shape_each(g->count * g->M * g->N));
}

static odeon_status ops_gemm(odeon_queue *queue, const odeon_gemm *call)
{
    gemm_args g;
    ODEON_TRY(gemm_arguments(queue, call, &g));
    return multiply(queue, &g, call->c->view.shape.dtype);
}

odeon_status ops_gemm_batch(odeon_queue *queue, const odeon_gemm_batch *call)
{
    const odeon_shape *a = &call->a->shape, *b = &call->b->shape, *c = &call->c->view.shape;
    ODEON_TRY(expect_flags(queue, "gemm_batch", call->flags));
    ODEON_TRY(expect_real(queue, "gemm_batch: c", c, 3));
    ODEON_TRY(expect_real(queue, "gemm_batch: a", a, 3));
    int64_t n = c->dim[0], M = c->dim[1], N = c->dim[2], K = a->dim[call->trans_a ? 1 : 2];
    const int64_t of_a[] = {n, call->trans_a ? K : M, call->trans_a ? M : K};
    const int64_t of_b[] = {n, call->trans_b ? N : K, call->trans_b ? K : N};
    ODEON_TRY(expect_shape(queue, "gemm_batch: a", a, c->dtype, 3, of_a));
    ODEON_TRY(expect_shape(queue, "gemm_batch: b", b, c->dtype, 3, of_b));
    gemm_args g = {.a = odeon_read(call->a),
                   .b = odeon_read(call->b),
                   .c = odeon_write(call->c),
                   .alpha = call->alpha,
                   .beta = call->beta,
                   .act = ODEON_UNARY_IDENTITY};
    lay_out(&g, n, M, N, K, call->trans_a, call->trans_b);
    return multiply(queue, &g, c->dtype);
}

const odeon_product_family ops_product = {
    .struct_size = sizeof(odeon_product_family),
    .gemm = ops_gemm,
    .channel_sum = ops_channel_sum,
    .gemm_batch = ops_gemm_batch,
};

/* ---- convolutions ---- */

/* How many windows of size kernel, stride apart, fit into size with padding on both sides. */
static int64_t windows(int64_t size, int64_t padding, int64_t kernel, int64_t stride)
{
    int64_t room = size + 2 * padding - kernel;
    return room < 0 ? 0 : room / stride + 1;
}

conv_args conv_shape(const odeon_conv_geometry *geometry, const odeon_shape *x,
                     const odeon_shape *w)
{
    conv_args a = {
        .B = x->dim[0],
        .C = x->dim[1],
        .H = x->dim[2],
        .W = x->dim[3],
        .K = w->dim[0],
        .R = w->dim[2],
        .S = w->dim[3],
        .stride_h = geometry->stride_h,
        .stride_w = geometry->stride_w,
        .padding_h = geometry->padding_h,
        .padding_w = geometry->padding_w,
    };
    a.P = windows(a.H, a.padding_h, a.R, a.stride_h);
    a.Q = windows(a.W, a.padding_w, a.S, a.stride_w);
    return a;
}

/* The sizes, of shapes that fit. */
static odeon_status conv_sizes(odeon_queue *queue, const odeon_conv_geometry *geometry,
                               const odeon_shape *x, const odeon_shape *w, const odeon_shape *y,
                               conv_args *out)
{
    ODEON_TRY(expect_real(queue, "conv2d: x", x, 4));
    ODEON_TRY(expect_real(queue, "conv2d: w", w, 4));
    conv_args a = conv_shape(geometry, x, w);
    const int64_t of_w[] = {a.K, a.C, a.R, a.S}, of_y[] = {a.B, a.K, a.P, a.Q};
    ODEON_TRY(expect_shape(queue, "conv2d: w", w, x->dtype, 4, of_w));
    ODEON_TRY(expect_shape(queue, "conv2d: y", y, x->dtype, 4, of_y));
    *out = a;
    return ODEON_OK;
}

odeon_status conv_arguments(odeon_queue *queue, const odeon_conv2d *call, conv_args *out)
{
    ODEON_TRY(expect_flags(queue, "conv2d", call->flags));
    ODEON_TRY(conv_sizes(queue, &call->geometry, &call->x->shape, &call->w->shape,
                         &call->y->view.shape, out));
    ODEON_TRY(expect_finish(queue, call->bias, call->act, call->x->shape.dtype, out->K));
    out->x = odeon_read(call->x);
    out->w = odeon_read(call->w);
    out->out = odeon_write(call->y);
    out->bias = read_or_null(call->bias);
    out->act = call->act;
    return ODEON_OK;
}

odeon_status conv_vjp_x_arguments(odeon_queue *queue, const odeon_conv2d_vjp_x *call,
                                  conv_args *out)
{
    ODEON_TRY(expect_flags(queue, "conv2d_vjp_x", call->flags));
    ODEON_TRY(conv_sizes(queue, &call->geometry, &call->dx->view.shape, &call->w->shape,
                         &call->dy->shape, out));
    out->w = odeon_read(call->w);
    out->y = odeon_read(call->dy);
    out->out = odeon_write(call->dx);
    return ODEON_OK;
}

odeon_status conv_vjp_w_arguments(odeon_queue *queue, const odeon_conv2d_vjp_w *call,
                                  conv_args *out)
{
    ODEON_TRY(expect_flags(queue, "conv2d_vjp_w", call->flags));
    ODEON_TRY(conv_sizes(queue, &call->geometry, &call->x->shape, &call->dw->view.shape,
                         &call->dy->shape, out));
    out->x = odeon_read(call->x);
    out->y = odeon_read(call->dy);
    out->out = odeon_write(call->dw);
    return ODEON_OK;
}

static uint64_t ops_conv2d_scratch(const odeon_device *device, const odeon_conv_geometry *geometry,
                                   const odeon_shape *x, const odeon_shape *w)
{
    (void)device;
    (void)geometry;
    (void)x;
    (void)w;
    return 0;
}

static odeon_status ops_conv2d(odeon_queue *queue, const odeon_conv2d *call)
{
    conv_args a;
    ODEON_TRY(conv_arguments(queue, call, &a));
    return launch(queue, kernel_of(KERNEL_conv_f32, call->x->shape.dtype), &a,
                  shape_each(odeon_count(&call->y->view.shape)));
}

static odeon_status ops_conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d_vjp_x *call)
{
    conv_args a;
    ODEON_TRY(conv_vjp_x_arguments(queue, call, &a));
    return launch(queue, kernel_of(KERNEL_conv_vjp_x_f32, call->dx->view.shape.dtype), &a,
                  shape_each(odeon_count(&call->dx->view.shape)));
}

static odeon_status ops_conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d_vjp_w *call)
{
    conv_args a;
    ODEON_TRY(conv_vjp_w_arguments(queue, call, &a));
    int64_t sums = odeon_count(&call->dy->shape) > 0 ? odeon_count(&call->dw->view.shape) : 0;
    return launch(queue, kernel_of(KERNEL_conv_vjp_w_f32, call->x->shape.dtype), &a,
                  shape_sums(sums, a.B * a.P * a.Q));
}

const odeon_conv_family ops_conv = {
    .struct_size = sizeof(odeon_conv_family),
    .conv2d_scratch = ops_conv2d_scratch,
    .conv2d = ops_conv2d,
    .conv2d_vjp_x = ops_conv2d_vjp_x,
    .conv2d_vjp_w = ops_conv2d_vjp_w,
};
