#include "time_channel.h"
#include "odeon/device_fused.h"
#include "odeon/device_move.h"

/* Layout in elements: each row of y consists of a row of x and one channel of t. */
typedef struct layout {
    int64_t rows, x_cols, t_cols, pitch; /* columns of x and of t, and of a whole row of y */
    int64_t x_at, t_at;                  /* offsets within a row of y */
} layout;

/* y [R,C+1,S]; x and t are its parts. */
static layout layout_of(int64_t where, const odeon_shape *y)
{
    layout p = {.rows = y->dim[0],
                .x_cols = (y->dim[1] - 1) * y->dim[2],
                .t_cols = y->dim[2],
                .pitch = y->dim[1] * y->dim[2]};
    p.x_at = where == TIME_FIRST ? p.t_cols : 0;
    p.t_at = where == TIME_FIRST ? 0 : p.x_cols;
    return p;
}

/* Rows that one operator handles together, and how many operators there are. */
typedef struct sweep {
    int64_t passes, rows, pitch;
} sweep;

/* Where samples have several rows and a t each, rows of the same position in all samples are one
 * pass, whose row i then matches t[i]. */
static sweep sweep_of(const layout *p, const odeon_shape *t)
{
    int64_t samples = odeon_count(t);
    if (samples <= 1 || samples == p->rows) {
        return (sweep){.passes = 1, .rows = p->rows, .pitch = p->pitch};
    }
    int64_t each = p->rows / samples;
    return (sweep){.passes = each, .rows = samples, .pitch = each * p->pitch};
}

odeon_status time_require(const odeon_host *host, const char *layer, const odeon_layer_call *call)
{
    return call->t != NULL
               ? ODEON_OK
               : odeon_fail(host, ODEON_ERR_CONFIG,
                            "%s is outside of an ODE block, where there is no time; move it into "
                            "one or do without the time",
                            layer);
}

/* Both parts by one operator. */
static odeon_status join_at_once(const odeon_device_fused *fused, const odeon_layer_call *call,
                                 const layout *p, const odeon_view *x, const odeon_tensor *y)
{
    const odeon_join_rows all = {.struct_size = sizeof all,
                                 .x = x,
                                 .v = call->t,
                                 .y = y,
                                 .rows = p->rows,
                                 .each = p->rows / odeon_count(&call->t->shape),
                                 .x_cols = p->x_cols,
                                 .x_at = p->x_at,
                                 .t_cols = p->t_cols,
                                 .t_at = p->t_at,
                                 .pitch = p->pitch};
    return fused->join_rows(call->queue, &all);
}

/* t stays on the device: rows_fill reads it there when it runs. */
odeon_status time_join(const odeon_host *host, const char *layer, const odeon_layer_call *call,
                       int64_t where, const odeon_view *x, const odeon_tensor *y)
{
    ODEON_TRY(time_require(host, layer, call));
    layout p = layout_of(where, &y->view.shape);
    sweep s = sweep_of(&p, &call->t->shape);
    const odeon_device_fused *fused = call->device->get_table(call->device, ODEON_DEVICE_FUSED);
    if (fused != NULL && p.rows > 0) {
        return join_at_once(fused, call, &p, x, y);
    }
    ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = x, .y = y, .rows = p.rows,
                       .cols = p.x_cols, .x_pitch = p.x_cols, .y_pitch = p.pitch, .y_at = p.x_at));
    for (int64_t i = 0; i < s.passes; i++) {
        ODEON_TRY(ODEON_DO(call->device, move, rows_fill, call->queue, .y = y, .rows = s.rows,
                           .cols = p.t_cols, .pitch = s.pitch, .at = i * p.pitch + p.t_at,
                           .v = call->t));
    }
    return ODEON_OK;
}

/* dy [R,C+1,S] -> d_in [R,C,S], d_t: the transpose of copying is copying back and summing. */
odeon_status time_part(const odeon_layer_call *call, int64_t where, const odeon_view *dy)
{
    layout p = layout_of(where, &dy->shape);
    if (call->d_in != NULL) {
        ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = dy, .y = call->d_in,
                           .rows = p.rows, .cols = p.x_cols, .x_pitch = p.pitch, .x_at = p.x_at,
                           .y_pitch = p.x_cols));
    }
    if (call->d_t == NULL) {
        return ODEON_OK;
    }
    sweep s = sweep_of(&p, &call->d_t->view.shape);
    for (int64_t i = 0; i < s.passes; i++) {
        ODEON_TRY(ODEON_DO(call->device, move, rows_sum, call->queue, .x = dy, .rows = s.rows,
                           .cols = p.t_cols, .pitch = s.pitch, .at = i * p.pitch + p.t_at,
                           .v = call->d_t));
    }
    return ODEON_OK;
}
