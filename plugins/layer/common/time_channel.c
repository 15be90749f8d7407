#include "time_channel.h"

const odeon_option time_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "time",
    .aliases = "usetime|timedependent|concattime",
    .default_text = "no",
    .choices = "no|first|last",
    .help = "take the time t of the ODE block as one more input, before or behind the others",
};

/* Layout in elements: each row of y consists of a row of x and one channel of t. */
typedef struct layout {
    int64_t rows, x_cols, t_cols, pitch; /* columns of x and of t, and of a whole row of y */
    int64_t x_at, t_at;                  /* offsets within a row of y */
} layout;

/* y [R,C+1,S]; x and t are its parts. */
static layout layout_of(int32_t where, const odeon_tensor *y)
{
    layout p = {.rows = y->dim[0],
                .x_cols = (y->dim[1] - 1) * y->dim[2],
                .t_cols = y->dim[2],
                .pitch = y->dim[1] * y->dim[2]};
    p.x_at = where == TIME_FIRST ? p.t_cols : 0;
    p.t_at = where == TIME_FIRST ? 0 : p.x_cols;
    return p;
}

typedef odeon_status (*rows_function)(odeon_queue *queue, const odeon_tensor *x, int64_t rows,
                                      int64_t cols, int64_t pitch, int64_t at,
                                      const odeon_tensor *v);

/* Applies function to the channel of t. Where samples have several rows and a t each, rows of the
 * same position in all samples are handled by one call, whose row i then matches t[i]. */
static odeon_status for_rows(rows_function function, const odeon_context *context, const layout *p,
                             const odeon_tensor *y, const odeon_tensor *t)
{
    int64_t samples = odeon_count(t);
    if (samples <= 1 || samples == p->rows) {
        return function(context->queue, y, p->rows, p->t_cols, p->pitch, p->t_at, t);
    }
    int64_t each = p->rows / samples;
    for (int64_t i = 0; i < each; i++) {
        ODEON_TRY(function(context->queue, y, samples, p->t_cols, each * p->pitch,
                           i * p->pitch + p->t_at, t));
    }
    return ODEON_OK;
}

/* t stays on the device: rows_fill reads it there when it runs. */
odeon_status time_join(const odeon_host *host, const char *layer, const odeon_context *context,
                       int32_t where, const odeon_tensor *x, const odeon_tensor *y)
{
    const odeon_device_ops *ops = context->device->ops;
    if (context->t == NULL) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "%s is outside of an ODE block, where there is no time; move it into "
                          "one or do without the time",
                          layer);
    }
    layout p = layout_of(where, y);
    ODEON_TRY(ops->copy2d(context->queue, x, y, p.rows, p.x_cols, p.x_cols, 0, p.pitch, p.x_at));
    return for_rows(ops->rows_fill, context, &p, y, context->t);
}

/* dy [R,C+1,S] -> dx [R,C,S], d_t: the transpose of copying is copying back and summing. */
odeon_status time_part(const odeon_context *context, int32_t where, const odeon_tensor *dy,
                       const odeon_tensor *dx, const odeon_tensor *d_t)
{
    const odeon_device_ops *ops = context->device->ops;
    layout p = layout_of(where, dy);
    if (dx != NULL) {
        ODEON_TRY(
            ops->copy2d(context->queue, dy, dx, p.rows, p.x_cols, p.pitch, p.x_at, p.x_cols, 0));
    }
    return d_t == NULL ? ODEON_OK : for_rows(ops->rows_sum, context, &p, dy, d_t);
}
