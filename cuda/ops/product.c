#include "product.h"

static odeon_status expect_epilogue(odeon_queue *queue, const odeon_epilogue *epilogue,
                                    int32_t dtype, int64_t channels)
{
    if (epilogue == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(expect_true(
        queue, epilogue->act >= ODEON_UNARY_IDENTITY && epilogue->act <= ODEON_UNARY_LAST_EPILOGUE,
        "epilogue: this id cannot be one"));
    if (epilogue->bias == NULL) {
        return ODEON_OK;
    }
    return expect_shape(queue, "epilogue: bias", epilogue->bias, dtype, 1, &channels);
}

static const void *bias_of(const odeon_epilogue *epilogue)
{
    return epilogue != NULL && epilogue->bias != NULL ? epilogue->bias->data : NULL;
}

static int32_t act_of(const odeon_epilogue *epilogue)
{
    return epilogue != NULL ? epilogue->act : ODEON_UNARY_IDENTITY;
}

odeon_status finish_product(odeon_queue *queue, const odeon_tensor *y, int64_t inner,
                            int64_t channels, const odeon_epilogue *epilogue)
{
    const finish_args a = {
        y->data, bias_of(epilogue), odeon_count(y), inner, channels, act_of(epilogue), 0};
    if (a.bias == NULL && a.act == ODEON_UNARY_IDENTITY) {
        return ODEON_OK;
    }
    return launch(queue, kernel_of(KERNEL_finish_f32, y->dtype), &a, shape_each(a.count));
}

/* ---- products of matrices ---- */

odeon_status gemm_arguments(odeon_queue *queue, int32_t trans_a, int32_t trans_b, double alpha,
                            const odeon_tensor *a, const odeon_tensor *b, double beta,
                            const odeon_tensor *c, const odeon_epilogue *epilogue, gemm_args *out)
{
    ODEON_TRY(expect_real(queue, "gemm: c", c, 2));
    ODEON_TRY(expect_real(queue, "gemm: a", a, 2));
    int64_t M = c->dim[0], N = c->dim[1], K = trans_a ? a->dim[0] : a->dim[1];
    const int64_t of_a[] = {trans_a ? K : M, trans_a ? M : K};
    const int64_t of_b[] = {trans_b ? N : K, trans_b ? K : N};
    ODEON_TRY(expect_shape(queue, "gemm: a", a, c->dtype, 2, of_a));
    ODEON_TRY(expect_shape(queue, "gemm: b", b, c->dtype, 2, of_b));
    ODEON_TRY(expect_epilogue(queue, epilogue, c->dtype, N));
    *out = (gemm_args){
        .a = a->data,
        .b = b->data,
        .c = c->data,
        .bias = bias_of(epilogue),
        .M = M,
        .N = N,
        .K = K,
        .a_m = trans_a ? 1 : K,
        .a_k = trans_a ? M : 1,
        .b_k = trans_b ? 1 : N,
        .b_n = trans_b ? K : 1,
        .alpha = alpha,
        .beta = beta,
        .act = act_of(epilogue),
    };
    return ODEON_OK;
}

odeon_status ops_gemm(odeon_queue *queue, int32_t trans_a, int32_t trans_b, double alpha,
                      const odeon_tensor *a, const odeon_tensor *b, double beta,
                      const odeon_tensor *c, const odeon_epilogue *epilogue)
{
    gemm_args g;
    ODEON_TRY(gemm_arguments(queue, trans_a, trans_b, alpha, a, b, beta, c, epilogue, &g));
    return launch(queue, kernel_of(KERNEL_gemm_f32, c->dtype), &g, shape_each(g.M * g.N));
}

/* ---- convolutions ---- */

/* How many windows of size kernel, stride apart, fit into size with padding on both sides. */
static int64_t windows(int64_t size, int64_t padding, int64_t kernel, int64_t stride)
{
    int64_t room = size + 2 * padding - kernel;
    return room < 0 ? 0 : room / stride + 1;
}

conv_args conv_shape(const odeon_conv2d *geometry, const odeon_tensor *x, const odeon_tensor *w)
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

odeon_status conv_arguments(odeon_queue *queue, const odeon_conv2d *geometry, const odeon_tensor *x,
                            const odeon_tensor *w, const odeon_tensor *y,
                            const odeon_epilogue *epilogue, conv_args *out)
{
    ODEON_TRY(expect_real(queue, "conv2d: x", x, 4));
    ODEON_TRY(expect_real(queue, "conv2d: w", w, 4));
    conv_args a = conv_shape(geometry, x, w);
    const int64_t of_w[] = {a.K, a.C, a.R, a.S}, of_y[] = {a.B, a.K, a.P, a.Q};
    ODEON_TRY(expect_shape(queue, "conv2d: w", w, x->dtype, 4, of_w));
    ODEON_TRY(expect_shape(queue, "conv2d: y", y, x->dtype, 4, of_y));
    ODEON_TRY(expect_epilogue(queue, epilogue, y->dtype, a.K));
    a.x = x->data;
    a.w = w->data;
    a.y = y->data;
    a.bias = bias_of(epilogue);
    a.act = act_of(epilogue);
    *out = a;
    return ODEON_OK;
}

uint64_t ops_conv2d_scratch(void *device, const odeon_conv2d *geometry, const odeon_tensor *x,
                            const odeon_tensor *w)
{
    (void)device;
    (void)geometry;
    (void)x;
    (void)w;
    return 0;
}

odeon_status ops_conv2d(odeon_queue *queue, const odeon_conv2d *geometry, const odeon_tensor *x,
                        const odeon_tensor *w, const odeon_epilogue *epilogue,
                        const odeon_tensor *y, void *scratch)
{
    conv_args a;
    (void)scratch;
    ODEON_TRY(conv_arguments(queue, geometry, x, w, y, epilogue, &a));
    return launch(queue, kernel_of(KERNEL_conv_f32, x->dtype), &a, shape_each(odeon_count(y)));
}

odeon_status ops_conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d *geometry,
                              const odeon_tensor *w, const odeon_tensor *dy, const odeon_tensor *dx,
                              void *scratch)
{
    conv_args a;
    (void)scratch;
    ODEON_TRY(conv_arguments(queue, geometry, dx, w, dy, NULL, &a));
    return launch(queue, kernel_of(KERNEL_conv_vjp_x_f32, dx->dtype), &a,
                  shape_each(odeon_count(dx)));
}

odeon_status ops_conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d *geometry,
                              const odeon_tensor *x, const odeon_tensor *dy, const odeon_tensor *dw,
                              void *scratch)
{
    conv_args a;
    (void)scratch;
    ODEON_TRY(conv_arguments(queue, geometry, x, dw, dy, NULL, &a));
    int64_t sums = odeon_count(dy) > 0 ? odeon_count(dw) : 0;
    return launch(queue, kernel_of(KERNEL_conv_vjp_w_f32, x->dtype), &a,
                  shape_sums(sums, a.B * a.P * a.Q));
}
