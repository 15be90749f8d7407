#include "odeon/device_pool.h"
#include "ops.h"

/* A window of so many elements is worth a block. */
enum { LARGE_WINDOW = 64 };

/* How many windows of size kernel, stride apart, fit into size with padding on both sides. */
static int64_t windows(int64_t size, int64_t padding, int64_t kernel, int64_t stride)
{
    int64_t room = size + 2 * padding - kernel;
    return room < 0 ? 0 : room / stride + 1;
}

/* Can the places in an image with its padding be int32_t? */
static int32_t fits(const odeon_pool_geometry *g, int64_t height, int64_t width)
{
    int64_t rows = height + 2 * (int64_t)g->padding_h, columns = width + 2 * (int64_t)g->padding_w;
    return rows < INT32_MAX && columns < INT32_MAX && rows * columns < INT32_MAX;
}

/* x and y, or their gradients. */
static odeon_status pool_arguments(odeon_queue *queue, const odeon_pool_geometry *geometry,
                                   const odeon_shape *x, const odeon_shape *y, pool_args *out)
{
    ODEON_TRY(expect_true(queue,
                          geometry->kind == ODEON_POOL_AVG || geometry->kind == ODEON_POOL_MAX,
                          "pool2d: the kind is none of ODEON_POOL_"));
    ODEON_TRY(expect_real(queue, "pool2d: x", x, 4));
    const int64_t dim[] = {
        x->dim[0], x->dim[1],
        windows(x->dim[2], geometry->padding_h, geometry->kernel_h, geometry->stride_h),
        windows(x->dim[3], geometry->padding_w, geometry->kernel_w, geometry->stride_w)};
    ODEON_TRY(expect_shape(queue, "pool2d: y", y, x->dtype, 4, dim));
    if (!fits(geometry, x->dim[2], x->dim[3])) {
        return device_fail(queue, ODEON_ERR_UNSUPPORTED,
                           "pool2d: images of %lld by %lld are too large", (long long)x->dim[2],
                           (long long)x->dim[3]);
    }
    *out = (pool_args){
        .images = dim[0] * dim[1],
        .H = (int32_t)x->dim[2],
        .W = (int32_t)x->dim[3],
        .P = (int32_t)dim[2],
        .Q = (int32_t)dim[3],
        .geometry = *geometry,
    };
    return ODEON_OK;
}

static odeon_status ops_pool2d(odeon_queue *queue, const odeon_pool2d *call)
{
    ODEON_TRY(expect_flags(queue, "pool2d", call->flags));
    pool_args a;
    ODEON_TRY(pool_arguments(queue, &call->geometry, &call->x->shape, &call->y->view.shape, &a));
    a.y = odeon_write(call->y);
    a.x = odeon_read(call->x);
    int64_t area = (int64_t)call->geometry.kernel_h * call->geometry.kernel_w;
    if (call->geometry.kind == ODEON_POOL_AVG && area >= LARGE_WINDOW) {
        return launch(queue, kernel_of(KERNEL_pool2d_mean_f32, call->x->shape.dtype), &a,
                      shape_sums(odeon_count(&call->y->view.shape), area));
    }
    return launch(queue, kernel_of(KERNEL_pool2d_f32, call->x->shape.dtype), &a,
                  shape_each(odeon_count(&call->y->view.shape)));
}

static odeon_status ops_pool2d_vjp(odeon_queue *queue, const odeon_pool2d_vjp *call)
{
    ODEON_TRY(expect_flags(queue, "pool2d_vjp", call->flags));
    pool_args a;
    ODEON_TRY(pool_arguments(queue, &call->geometry, &call->dx->view.shape, &call->dy->shape, &a));
    a.dy = odeon_read(call->dy);
    if (call->geometry.kind == ODEON_POOL_MAX) {
        ODEON_TRY(expect_true(queue, call->x != NULL, "pool2d_vjp: MAX without x"));
        ODEON_TRY(expect_like(queue, "pool2d_vjp: x", &call->x->shape, &call->dx->view.shape));
        a.x = odeon_read(call->x);
    }
    a.dx = odeon_write(call->dx);
    return launch(queue, kernel_of(KERNEL_pool2d_vjp_f32, call->dx->view.shape.dtype), &a,
                  shape_each(odeon_count(&call->dx->view.shape)));
}

static odeon_status ops_pool2d_jvp(odeon_queue *queue, const odeon_pool2d_jvp *call)
{
    ODEON_TRY(expect_flags(queue, "pool2d_jvp", call->flags));
    pool_args a;
    ODEON_TRY(
        pool_arguments(queue, &call->geometry, &call->x->shape, &call->y_dot->view.shape, &a));
    ODEON_TRY(expect_true(queue, call->geometry.kind == ODEON_POOL_MAX,
                          "pool2d_jvp: the kind is not MAX"));
    ODEON_TRY(expect_like(queue, "pool2d_jvp: x_dot", &call->x_dot->shape, &call->x->shape));
    a.x = odeon_read(call->x);
    a.dy = odeon_read(call->x_dot);
    a.y = odeon_write(call->y_dot);
    return launch(queue, kernel_of(KERNEL_pool2d_jvp_f32, call->x->shape.dtype), &a,
                  shape_each(odeon_count(&call->y_dot->view.shape)));
}

const odeon_pool_family ops_pool = {
    .struct_size = sizeof(odeon_pool_family),
    .pool2d = ops_pool2d,
    .pool2d_vjp = ops_pool2d_vjp,
    .pool2d_jvp = ops_pool2d_jvp,
};
