/* Products and pooling, with their arguments copied; see calls.h. */
#include "calls.h"

typedef struct gemm_call {
    int32_t trans_a, trans_b;
    double alpha;
    odeon_tensor a, b;
    double beta;
    odeon_tensor c;
    call_epilogue epilogue;
} gemm_call;

static odeon_status carry_gemm(const stream *s, const void *arguments)
{
    const gemm_call *c = arguments;
    odeon_epilogue storage;
    return s->device->ops->gemm(s->inner, c->trans_a, c->trans_b, c->alpha, &c->a, &c->b, c->beta,
                                &c->c, call_ending(&c->epilogue, &storage));
}

odeon_status call_gemm(odeon_queue *queue, int32_t trans_a, int32_t trans_b, double alpha,
                       const odeon_tensor *a, const odeon_tensor *b, double beta,
                       const odeon_tensor *c, const odeon_epilogue *epilogue)
{
    gemm_call call = {.trans_a = trans_a,
                      .trans_b = trans_b,
                      .alpha = alpha,
                      .a = *a,
                      .b = *b,
                      .beta = beta,
                      .c = *c,
                      .epilogue = call_epilogue_of(epilogue)};
    return stream_launch(queue, carry_gemm, &call, sizeof call);
}

typedef struct channel_sum_call {
    odeon_tensor x, bias;
} channel_sum_call;

static odeon_status carry_channel_sum(const stream *s, const void *arguments)
{
    const channel_sum_call *c = arguments;
    return s->device->ops->channel_sum(s->inner, &c->x, &c->bias);
}

odeon_status call_channel_sum(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *bias)
{
    channel_sum_call call = {.x = *x, .bias = *bias};
    return stream_launch(queue, carry_channel_sum, &call, sizeof call);
}

typedef struct conv2d_call {
    odeon_conv2d geometry;
    odeon_tensor x, w;
    call_epilogue epilogue;
    odeon_tensor y;
    void *scratch;
} conv2d_call;

static odeon_status carry_conv2d(const stream *s, const void *arguments)
{
    const conv2d_call *c = arguments;
    odeon_epilogue storage;
    return s->device->ops->conv2d(s->inner, &c->geometry, &c->x, &c->w,
                                  call_ending(&c->epilogue, &storage), &c->y, c->scratch);
}

odeon_status call_conv2d(odeon_queue *queue, const odeon_conv2d *geometry, const odeon_tensor *x,
                         const odeon_tensor *w, const odeon_epilogue *epilogue,
                         const odeon_tensor *y, void *scratch)
{
    conv2d_call call = {.geometry = *geometry,
                        .x = *x,
                        .w = *w,
                        .epilogue = call_epilogue_of(epilogue),
                        .y = *y,
                        .scratch = scratch};
    return stream_launch(queue, carry_conv2d, &call, sizeof call);
}

typedef struct conv2d_vjp_x_call {
    odeon_conv2d geometry;
    odeon_tensor w, dy, dx;
    void *scratch;
} conv2d_vjp_x_call;

static odeon_status carry_conv2d_vjp_x(const stream *s, const void *arguments)
{
    const conv2d_vjp_x_call *c = arguments;
    return s->device->ops->conv2d_vjp_x(s->inner, &c->geometry, &c->w, &c->dy, &c->dx, c->scratch);
}

odeon_status call_conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d *geometry,
                               const odeon_tensor *w, const odeon_tensor *dy,
                               const odeon_tensor *dx, void *scratch)
{
    conv2d_vjp_x_call call = {
        .geometry = *geometry, .w = *w, .dy = *dy, .dx = *dx, .scratch = scratch};
    return stream_launch(queue, carry_conv2d_vjp_x, &call, sizeof call);
}

typedef struct conv2d_vjp_w_call {
    odeon_conv2d geometry;
    odeon_tensor x, dy, dw;
    void *scratch;
} conv2d_vjp_w_call;

static odeon_status carry_conv2d_vjp_w(const stream *s, const void *arguments)
{
    const conv2d_vjp_w_call *c = arguments;
    return s->device->ops->conv2d_vjp_w(s->inner, &c->geometry, &c->x, &c->dy, &c->dw, c->scratch);
}

odeon_status call_conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d *geometry,
                               const odeon_tensor *x, const odeon_tensor *dy,
                               const odeon_tensor *dw, void *scratch)
{
    conv2d_vjp_w_call call = {
        .geometry = *geometry, .x = *x, .dy = *dy, .dw = *dw, .scratch = scratch};
    return stream_launch(queue, carry_conv2d_vjp_w, &call, sizeof call);
}

typedef struct pool2d_call {
    odeon_pool2d geometry;
    odeon_tensor x, y;
} pool2d_call;

static odeon_status carry_pool2d(const stream *s, const void *arguments)
{
    const pool2d_call *c = arguments;
    return s->device->ops->pool2d(s->inner, &c->geometry, &c->x, &c->y);
}

odeon_status call_pool2d(odeon_queue *queue, const odeon_pool2d *geometry, const odeon_tensor *x,
                         const odeon_tensor *y)
{
    pool2d_call call = {.geometry = *geometry, .x = *x, .y = *y};
    return stream_launch(queue, carry_pool2d, &call, sizeof call);
}

typedef struct pool2d_vjp_call {
    odeon_pool2d geometry;
    call_optional x;
    odeon_tensor dy, dx;
} pool2d_vjp_call;

static odeon_status carry_pool2d_vjp(const stream *s, const void *arguments)
{
    const pool2d_vjp_call *c = arguments;
    return s->device->ops->pool2d_vjp(s->inner, &c->geometry, call_given(&c->x), &c->dy, &c->dx);
}

odeon_status call_pool2d_vjp(odeon_queue *queue, const odeon_pool2d *geometry,
                             const odeon_tensor *x, const odeon_tensor *dy, const odeon_tensor *dx)
{
    pool2d_vjp_call call = {.geometry = *geometry, .x = call_optional_of(x), .dy = *dy, .dx = *dx};
    return stream_launch(queue, carry_pool2d_vjp, &call, sizeof call);
}
