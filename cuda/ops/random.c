#include "odeon/device_random.h"
#include "ops.h"

static odeon_status ops_dropout(odeon_queue *queue, const odeon_dropout *call)
{
    ODEON_TRY(expect_flags(queue, "dropout", call->flags));
    ODEON_TRY(expect_real(queue, "dropout: x", &call->x->shape, 0));
    ODEON_TRY(expect_like(queue, "dropout: y", &call->y->view.shape, &call->x->shape));
    ODEON_TRY(expect_true(queue, call->p >= 0.0 && call->p < 1.0, "dropout: p is not in [0, 1)"));
    const dropout_args a = {odeon_read(call->x),
                            odeon_write(call->y),
                            odeon_count(&call->x->shape),
                            call->first,
                            call->key,
                            call->p};
    return launch(queue, kernel_of(KERNEL_dropout_f32, call->x->shape.dtype), &a,
                  shape_each(a.count));
}

static odeon_status ops_noise(odeon_queue *queue, const odeon_noise *call)
{
    ODEON_TRY(expect_flags(queue, "noise", call->flags));
    ODEON_TRY(expect_real(queue, "noise: y", &call->y->view.shape, 0));
    ODEON_TRY(expect_true(queue, call->id >= 0 && call->id < ODEON_NOISE_COUNT,
                          "noise: there is no such id"));
    const noise_args a = {odeon_write(call->y),
                          odeon_count(&call->y->view.shape),
                          call->first,
                          call->key,
                          call->id,
                          0};
    return launch(queue, kernel_of(KERNEL_noise_f32, call->y->view.shape.dtype), &a,
                  shape_each(a.count));
}

static odeon_status window_arguments(odeon_queue *queue, const odeon_window_geometry *geometry,
                                     const odeon_shape *image, const odeon_shape *window,
                                     window_args *out)
{
    ODEON_TRY(expect_real(queue, "window2d: image", image, 4));
    ODEON_TRY(expect_true(queue, window->ndim == 4, "window2d: the window is not 4-d"));
    const int64_t dim[] = {image->dim[0], image->dim[1], window->dim[2], window->dim[3]};
    ODEON_TRY(expect_shape(queue, "window2d: window", window, image->dtype, 4, dim));
    *out = (window_args){
        .B = dim[0],
        .C = dim[1],
        .H = image->dim[2],
        .W = image->dim[3],
        .P = dim[2],
        .Q = dim[3],
        .geometry = *geometry,
    };
    int64_t room = 2 * (int64_t)geometry->padding;
    return expect_true(queue, out->P <= out->H + room && out->Q <= out->W + room,
                       "window2d: the window is larger than the padded image");
}

static odeon_status ops_window2d(odeon_queue *queue, const odeon_window2d *call)
{
    ODEON_TRY(expect_flags(queue, "window2d", call->flags));
    window_args a;
    ODEON_TRY(window_arguments(queue, &call->geometry, &call->x->shape, &call->y->view.shape, &a));
    a.key = call->key;
    a.first_sample = call->first_sample;
    a.from = odeon_read(call->x);
    a.to = odeon_write(call->y);
    return launch(queue, kernel_of(KERNEL_window2d_f32, call->x->shape.dtype), &a,
                  shape_each(odeon_count(&call->y->view.shape)));
}

static odeon_status ops_window2d_vjp(odeon_queue *queue, const odeon_window2d_vjp *call)
{
    ODEON_TRY(expect_flags(queue, "window2d_vjp", call->flags));
    window_args a;
    ODEON_TRY(
        window_arguments(queue, &call->geometry, &call->dx->view.shape, &call->dy->shape, &a));
    a.key = call->key;
    a.first_sample = call->first_sample;
    a.from = odeon_read(call->dy);
    a.to = odeon_write(call->dx);
    return launch(queue, kernel_of(KERNEL_window2d_vjp_f32, call->dx->view.shape.dtype), &a,
                  shape_each(odeon_count(&call->dx->view.shape)));
}

const odeon_random_family ops_random = {
    .struct_size = sizeof(odeon_random_family),
    .dropout = ops_dropout,
    .window2d = ops_window2d,
    .window2d_vjp = ops_window2d_vjp,
    .noise = ops_noise,
};
