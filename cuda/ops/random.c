#include "ops.h"

odeon_status ops_dropout(odeon_queue *queue, uint64_t key, int64_t first, double p,
                         const odeon_tensor *x, const odeon_tensor *y)
{
    ODEON_TRY(expect_real(queue, "dropout: x", x, 0));
    ODEON_TRY(expect_like(queue, "dropout: y", y, x));
    ODEON_TRY(expect_true(queue, p >= 0.0 && p < 1.0, "dropout: p is not in [0, 1)"));
    const dropout_args a = {x->data, y->data, odeon_count(x), first, key, p};
    return launch(queue, kernel_of(KERNEL_dropout_f32, x->dtype), &a, shape_each(a.count));
}

static odeon_status window_arguments(odeon_queue *queue, const odeon_window2d *geometry,
                                     uint64_t key, int64_t first_sample, const odeon_tensor *image,
                                     const odeon_tensor *window, window_args *out)
{
    ODEON_TRY(expect_real(queue, "window2d: image", image, 4));
    ODEON_TRY(expect_true(queue, window->ndim == 4, "window2d: the window is not 4-d"));
    const int64_t dim[] = {image->dim[0], image->dim[1], window->dim[2], window->dim[3]};
    ODEON_TRY(expect_shape(queue, "window2d: window", window, image->dtype, 4, dim));
    *out = (window_args){
        .image = image->data,
        .window = window->data,
        .B = dim[0],
        .C = dim[1],
        .H = image->dim[2],
        .W = image->dim[3],
        .P = dim[2],
        .Q = dim[3],
        .first_sample = first_sample,
        .key = key,
        .geometry = *geometry,
    };
    int64_t room = 2 * (int64_t)geometry->padding;
    return expect_true(queue, out->P <= out->H + room && out->Q <= out->W + room,
                       "window2d: the window is larger than the padded image");
}

odeon_status ops_window2d(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                          int64_t first_sample, const odeon_tensor *x, const odeon_tensor *y)
{
    window_args a;
    ODEON_TRY(window_arguments(queue, geometry, key, first_sample, x, y, &a));
    return launch(queue, kernel_of(KERNEL_window2d_f32, x->dtype), &a, shape_each(odeon_count(y)));
}

odeon_status ops_window2d_vjp(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                              int64_t first_sample, const odeon_tensor *dy, const odeon_tensor *dx)
{
    window_args a;
    ODEON_TRY(window_arguments(queue, geometry, key, first_sample, dx, dy, &a));
    return launch(queue, kernel_of(KERNEL_window2d_vjp_f32, dx->dtype), &a,
                  shape_each(odeon_count(dx)));
}
