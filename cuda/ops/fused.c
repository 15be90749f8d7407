/* Several operators in one launch. */
#include "norm.h"
#include "odeon/device_fused.h"
#include "ops.h"
#include "solver.h"

static odeon_status join_rows(odeon_queue *queue, const odeon_join_rows *call)
{
    const odeon_shape *x = &call->x->shape, *y = &call->y->view.shape;
    ODEON_TRY(expect_flags(queue, "join_rows", call->flags));
    ODEON_TRY(expect_real(queue, "join_rows: x", x, 0));
    ODEON_TRY(expect_true(queue,
                          y->dtype == x->dtype && call->v->shape.dtype == ODEON_DTYPE_F64 &&
                              call->each > 0 && call->rows % call->each == 0 &&
                              odeon_count(&call->v->shape) == call->rows / call->each &&
                              odeon_count(x) == call->rows * call->x_cols &&
                              odeon_count(y) == call->rows * call->pitch &&
                              call->x_cols + call->t_cols == call->pitch &&
                              call->x_at == (call->t_at == 0 ? call->t_cols : 0) &&
                              (call->t_at == 0 || call->t_at == call->x_cols),
                          "join_rows: rows of y are not made of those of x and of v"));
    const join_rows_args a = {
        .x = odeon_read(call->x),
        .v = odeon_read(call->v),
        .y = odeon_write(call->y),
        .count = odeon_count(y),
        .x_cols = call->x_cols,
        .x_at = call->x_at,
        .t_cols = call->t_cols,
        .t_at = call->t_at,
        .pitch = kernel_divisor_of(call->pitch),
        .each = kernel_divisor_of(call->each),
    };
    return launch(queue, kernel_of(KERNEL_join_rows_f32, x->dtype), &a, shape_each(a.count));
}

static odeon_status running_statistics(odeon_queue *queue, const odeon_running_statistics *call)
{
    const odeon_shape *mean = &call->mean->shape;
    ODEON_TRY(expect_flags(queue, "running_statistics", call->flags));
    ODEON_TRY(expect_real(queue, "running_statistics: mean", mean, 1));
    ODEON_TRY(expect_like(queue, "running_statistics: variance", &call->variance->shape, mean));
    const int64_t dim[] = {2, mean->dim[0]};
    ODEON_TRY(expect_shape(queue, "running_statistics: stats", &call->stats->view.shape,
                           ODEON_DTYPE_F64, 2, dim));
    const running_stats_args a = {odeon_read(call->mean), odeon_read(call->variance),
                                  odeon_write(call->stats), mean->dim[0], call->epsilon};
    return launch(queue, kernel_of(KERNEL_running_stats_f32, mean->dtype), &a,
                  shape_each(a.channels));
}

const odeon_device_fused ops_fused = {
    .struct_size = sizeof(odeon_device_fused),
    .join_rows = join_rows,
    .batch_statistics = ops_batch_statistics,
    .running_statistics = running_statistics,
    .solver = &ops_solver,
    .step_judge = ops_step_judge,
    .last_step_back = ops_last_step_back,
};
