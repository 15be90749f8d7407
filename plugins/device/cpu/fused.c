/* What takes fewer passes over memory, or fewer calls, as one operator (device_fused.h). */
#include "odeon/device_fused.h"

#include <math.h>
#include <string.h>

#include "cpu.h"

static int32_t has_numbers(const odeon_shape *x, uint32_t dtype, int64_t n)
{
    return x->dtype == dtype && odeon_count(x) == n;
}

static odeon_status cpu_join_rows(odeon_queue *queue, const odeon_join_rows *call)
{
    const cpu_kernels *k;
    int64_t size = odeon_dtype_bytes(call->x->shape.dtype);
    ODEON_TRY(cpu_begin(queue, "join_rows", call->flags, call->x->shape.dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          call->x->shape.dtype == call->y->view.shape.dtype && call->each > 0 &&
                              call->v->shape.dtype == ODEON_DTYPE_F64,
                          "join_rows", "x, y of one dtype, v F64"));
    const char *from = odeon_read(call->x);
    const double *values = odeon_read(call->v);
    char *to = odeon_write(call->y);
    size_t bytes = (size_t)(call->x_cols * size);
    for (int64_t r = 0; r < call->rows; r++, to += call->pitch * size, from += bytes) {
        memcpy(to + call->x_at * size, from, bytes);
        k->fill(call->t_cols, to + call->t_at * size, values[r / call->each]);
    }
    return ODEON_OK;
}

/* ---- statistics of batches ---- */

static double number_at(const odeon_view *x, int64_t i)
{
    return x->shape.dtype == ODEON_DTYPE_F64 ? ((const double *)odeon_read(x))[i]
                                             : (double)((const float *)odeon_read(x))[i];
}

/* running = (1 - momentum) running + momentum value of one channel. */
static void move_running(const odeon_tensor *running, int64_t c, double momentum, double value)
{
    double moved = (1.0 - momentum) * number_at(&running->view, c) + momentum * value;
    if (running->view.shape.dtype == ODEON_DTYPE_F64) {
        ((double *)odeon_write(running))[c] = moved;
    } else {
        ((float *)odeon_write(running))[c] = (float)moved;
    }
}

static int32_t is_running(const odeon_tensor *running, const odeon_shape *x)
{
    return running == NULL || has_numbers(&running->view.shape, x->dtype, x->dim[1]);
}

static odeon_status cpu_batch_statistics(odeon_queue *queue, const odeon_batch_statistics *call)
{
    const cpu_kernels *k;
    const odeon_shape *x = &call->x->shape;
    const cpu_groups g = {
        .batch = x->dim[0], .channels = x->dim[1], .space = x->dim[2], .groups = 1};
    double count = (double)g.batch * (double)g.space;
    ODEON_TRY(cpu_begin(queue, "batch_statistics", call->flags, x->dtype, &k));
    ODEON_TRY(
        cpu_require(queue,
                    x->ndim == 3 && count >= 2.0 &&
                        has_numbers(&call->stats->view.shape, ODEON_DTYPE_F64, 2 * g.channels) &&
                        is_running(call->running_mean, x) && is_running(call->running_variance, x),
                    "batch_statistics", "x[B,C,S], B S >= 2, stats F64 [2,C], running[C]"));
    double *mean = odeon_write(call->stats), *rstd = mean + g.channels;
    k->channel_moments(&g, odeon_read(call->x), mean, rstd);
    for (int64_t c = 0; c < g.channels; c++) {
        if (call->running_mean != NULL) {
            move_running(call->running_mean, c, call->momentum, mean[c]);
            move_running(call->running_variance, c, call->momentum, rstd[c] / (count - 1.0));
        }
        rstd[c] = 1.0 / sqrt(rstd[c] / count + call->epsilon);
    }
    return ODEON_OK;
}

static odeon_status cpu_running_statistics(odeon_queue *queue, const odeon_running_statistics *call)
{
    const cpu_kernels *k;
    int64_t channels = odeon_count(&call->mean->shape);
    ODEON_TRY(cpu_begin(queue, "running_statistics", call->flags, call->mean->shape.dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          has_numbers(&call->variance->shape, call->mean->shape.dtype, channels) &&
                              has_numbers(&call->stats->view.shape, ODEON_DTYPE_F64, 2 * channels),
                          "running_statistics", "mean, variance[C], stats F64 [2,C]"));
    double *stats = odeon_write(call->stats);
    for (int64_t c = 0; c < channels; c++) {
        stats[c] = number_at(call->mean, c);
        stats[channels + c] = 1.0 / sqrt(number_at(call->variance, c) + call->epsilon);
    }
    return ODEON_OK;
}

const odeon_device_fused cpu_fused = {
    .struct_size = sizeof cpu_fused,
    .join_rows = cpu_join_rows,
    .batch_statistics = cpu_batch_statistics,
    .running_statistics = cpu_running_statistics,
};
