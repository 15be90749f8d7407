/* Every operator the same way: find out what the CPU device may follow, and let it compute. The
 * losses and optimizers are in learning.c. */
#include "cpu.h"
#include "remote.h"

static odeon_status reach_slots(const odeon_queue *queue, const char *name, const double *slots,
                                double **out)
{
    void *at;
    ODEON_TRY(remote_reach(queue, name, slots, ODEON_SLOTS * sizeof *slots, &at));
    *out = at;
    return ODEON_OK;
}

/* Coefficients that read no slot need none. */
static odeon_status reach_coefficients(const odeon_queue *queue, const char *name, int32_t n,
                                       const odeon_scalar *coefficient, const double *slots,
                                       double **out)
{
    *out = NULL;
    for (int32_t i = 0; i < n; i++) {
        if (coefficient[i].slot >= 0) {
            return reach_slots(queue, name, slots, out);
        }
    }
    return ODEON_OK;
}

/* ---- moving ---- */

static odeon_status copy(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y)
{
    odeon_tensor to, from;
    ODEON_TRY(remote_tensor(queue, "copy", x, &from));
    ODEON_TRY(remote_tensor(queue, "copy", y, &to));
    return cpu_copy(remote_cpu_queue(queue), &from, &to);
}

static odeon_status cast(odeon_queue *queue, const odeon_tensor *x, double scale, double shift,
                         const odeon_tensor *y)
{
    odeon_tensor to, from;
    ODEON_TRY(remote_tensor(queue, "cast", x, &from));
    ODEON_TRY(remote_tensor(queue, "cast", y, &to));
    return cpu_cast(remote_cpu_queue(queue), &from, scale, shift, &to);
}

static odeon_status gather(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *index,
                           double scale, double shift, const odeon_tensor *y)
{
    odeon_tensor to, from, rows;
    ODEON_TRY(remote_tensor(queue, "gather", x, &from));
    ODEON_TRY(remote_tensor(queue, "gather", index, &rows));
    ODEON_TRY(remote_tensor(queue, "gather", y, &to));
    return cpu_gather(remote_cpu_queue(queue), &from, &rows, scale, shift, &to);
}

static odeon_status fill(odeon_queue *queue, const odeon_tensor *y, odeon_scalar value,
                         const double *slots)
{
    odeon_tensor to;
    double *block;
    ODEON_TRY(remote_tensor(queue, "fill", y, &to));
    ODEON_TRY(reach_coefficients(queue, "fill", 1, &value, slots, &block));
    return cpu_fill(remote_cpu_queue(queue), &to, value, block);
}

static odeon_status copy2d(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y,
                           int64_t rows, int64_t cols, int64_t x_pitch, int64_t x_at,
                           int64_t y_pitch, int64_t y_at)
{
    odeon_tensor to, from;
    ODEON_TRY(remote_tensor(queue, "copy2d", x, &from));
    ODEON_TRY(remote_tensor(queue, "copy2d", y, &to));
    return cpu_copy2d(remote_cpu_queue(queue), &from, &to, rows, cols, x_pitch, x_at, y_pitch,
                      y_at);
}

static odeon_status rows_fill(odeon_queue *queue, const odeon_tensor *y, int64_t rows, int64_t cols,
                              int64_t pitch, int64_t at, const odeon_tensor *v)
{
    odeon_tensor to, from;
    ODEON_TRY(remote_tensor(queue, "rows_fill", y, &to));
    ODEON_TRY(remote_tensor(queue, "rows_fill", v, &from));
    return cpu_rows_fill(remote_cpu_queue(queue), &to, rows, cols, pitch, at, &from);
}

static odeon_status rows_sum(odeon_queue *queue, const odeon_tensor *x, int64_t rows, int64_t cols,
                             int64_t pitch, int64_t at, const odeon_tensor *v)
{
    odeon_tensor to, from;
    ODEON_TRY(remote_tensor(queue, "rows_sum", x, &from));
    ODEON_TRY(remote_tensor(queue, "rows_sum", v, &to));
    return cpu_rows_sum(remote_cpu_queue(queue), &from, rows, cols, pitch, at, &to);
}

/* ---- solver ---- */

static odeon_status slots_write(odeon_queue *queue, double *slots, int32_t first, int32_t n,
                                const double *values)
{
    double *block;
    ODEON_TRY(reach_slots(queue, "slots_write", slots, &block));
    return cpu_slots_write(remote_cpu_queue(queue), block, first, n, values);
}

static odeon_status stage_times(odeon_queue *queue, int32_t n, const double *c, double *slots)
{
    double *block;
    ODEON_TRY(reach_slots(queue, "stage_times", slots, &block));
    return cpu_stage_times(remote_cpu_queue(queue), n, c, block);
}

/* The operands of a combination. */
typedef struct operands {
    odeon_tensor tensor[ODEON_MAX_STAGES];
    const odeon_tensor *pointer[ODEON_MAX_STAGES];
} operands;

static odeon_status reach_operands(const odeon_queue *queue, const char *name, int32_t n,
                                   const odeon_tensor *const *x, operands *out)
{
    for (int32_t i = 0; i < n && i < ODEON_MAX_STAGES; i++) {
        ODEON_TRY(remote_tensor(queue, name, x[i], &out->tensor[i]));
        out->pointer[i] = &out->tensor[i];
    }
    return ODEON_OK;
}

static odeon_status lincomb(odeon_queue *queue, const odeon_tensor *y, const odeon_tensor *base,
                            int32_t n, const odeon_tensor *const *x,
                            const odeon_scalar *coefficient, const double *slots)
{
    operands terms;
    odeon_tensor to, from;
    double *block;
    ODEON_TRY(remote_tensor(queue, "lincomb", y, &to));
    ODEON_TRY(remote_tensor(queue, "lincomb", base != NULL ? base : y, &from));
    ODEON_TRY(reach_operands(queue, "lincomb", n, x, &terms));
    ODEON_TRY(reach_coefficients(queue, "lincomb", n, coefficient, slots, &block));
    return cpu_lincomb(remote_cpu_queue(queue), &to, base != NULL ? &from : NULL, n, terms.pointer,
                       coefficient, block);
}

static odeon_status reach_tolerances(const odeon_queue *queue, odeon_control *control)
{
    uint64_t bytes = (uint64_t)control->n_each * sizeof(double);
    void *rtol, *atol;
    if (control->n_each == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(remote_reach(queue, "error_sum", control->rtol_each, bytes, &rtol));
    ODEON_TRY(remote_reach(queue, "error_sum", control->atol_each, bytes, &atol));
    control->rtol_each = rtol;
    control->atol_each = atol;
    return ODEON_OK;
}

static odeon_status error_sum(odeon_queue *queue, const odeon_control *control,
                              const odeon_tensor *y0, const odeon_tensor *y1, int32_t n,
                              const odeon_tensor *const *x, const odeon_scalar *coefficient,
                              double *slots, int32_t slot)
{
    operands terms;
    odeon_tensor before, after;
    odeon_control within = *control;
    double *block;
    ODEON_TRY(reach_tolerances(queue, &within));
    ODEON_TRY(remote_tensor(queue, "error_sum", y0, &before));
    ODEON_TRY(remote_tensor(queue, "error_sum", y1, &after));
    ODEON_TRY(reach_operands(queue, "error_sum", n, x, &terms));
    ODEON_TRY(reach_slots(queue, "error_sum", slots, &block));
    return cpu_error_sum(remote_cpu_queue(queue), &within, &before, &after, n, terms.pointer,
                         coefficient, block, slot);
}

static odeon_status dot(odeon_queue *queue, const odeon_tensor *a, const odeon_tensor *b,
                        double *slots, int32_t slot)
{
    odeon_tensor left, right;
    double *block;
    ODEON_TRY(remote_tensor(queue, "dot", a, &left));
    ODEON_TRY(remote_tensor(queue, "dot", b, &right));
    ODEON_TRY(reach_slots(queue, "dot", slots, &block));
    return cpu_dot(remote_cpu_queue(queue), &left, &right, block, slot);
}

/* Where the log of a step control is. */
static odeon_status reach_log(const odeon_queue *queue, odeon_control *control)
{
    void *log;
    if (control->log == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(remote_reach(queue, "step_control", control->log,
                           (uint64_t)control->log_rows * ODEON_LOG_COLUMNS * sizeof(double), &log));
    control->log = log;
    return ODEON_OK;
}

static odeon_status step_control(odeon_queue *queue, const odeon_control *control, double *slots)
{
    odeon_control within = *control;
    double *block;
    ODEON_TRY(reach_log(queue, &within));
    ODEON_TRY(reach_slots(queue, "step_control", slots, &block));
    return cpu_step_control(remote_cpu_queue(queue), &within, block);
}

static odeon_status step_start(odeon_queue *queue, const odeon_control *control, int32_t phase,
                               double *slots)
{
    double *block;
    ODEON_TRY(reach_slots(queue, "step_start", slots, &block));
    return cpu_step_start(remote_cpu_queue(queue), control, phase, block);
}

static odeon_status select_where(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                                 const odeon_tensor *const *y, const double *slots, int32_t slot)
{
    operands from, to;
    double *block;
    ODEON_TRY(reach_operands(queue, "select", n, x, &from));
    ODEON_TRY(reach_operands(queue, "select", n, y, &to));
    ODEON_TRY(reach_slots(queue, "select", slots, &block));
    return cpu_select(remote_cpu_queue(queue), n, from.pointer, to.pointer, block, slot);
}

static odeon_status row_store(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                              const odeon_tensor *const *y, const double *slots, int32_t slot)
{
    operands from, to;
    double *block;
    ODEON_TRY(reach_operands(queue, "row_store", n, x, &from));
    ODEON_TRY(reach_operands(queue, "row_store", n, y, &to));
    ODEON_TRY(reach_slots(queue, "row_store", slots, &block));
    return cpu_row_store(remote_cpu_queue(queue), n, from.pointer, to.pointer, block, slot);
}

static odeon_status row_load(odeon_queue *queue, int32_t n, const odeon_tensor *const *y,
                             const odeon_tensor *const *x, const double *slots, int32_t slot)
{
    operands from, to;
    double *block;
    ODEON_TRY(reach_operands(queue, "row_load", n, y, &from));
    ODEON_TRY(reach_operands(queue, "row_load", n, x, &to));
    ODEON_TRY(reach_slots(queue, "row_load", slots, &block));
    return cpu_row_load(remote_cpu_queue(queue), n, from.pointer, to.pointer, block, slot);
}

static odeon_status step_back(odeon_queue *queue, double *slots)
{
    double *block;
    ODEON_TRY(reach_slots(queue, "step_back", slots, &block));
    return cpu_step_back(remote_cpu_queue(queue), block);
}

/* ---- pointwise ---- */

static odeon_status unary(odeon_queue *queue, int32_t id, const odeon_tensor *x,
                          const odeon_tensor *y)
{
    odeon_tensor to, from;
    ODEON_TRY(remote_tensor(queue, "unary", x, &from));
    ODEON_TRY(remote_tensor(queue, "unary", y, &to));
    return cpu_unary(remote_cpu_queue(queue), id, &from, &to);
}

static odeon_status unary_vjp(odeon_queue *queue, int32_t id, const odeon_tensor *kept,
                              const odeon_tensor *dy, const odeon_tensor *dx)
{
    odeon_tensor known, to, from;
    ODEON_TRY(remote_tensor(queue, "unary_vjp", kept, &known));
    ODEON_TRY(remote_tensor(queue, "unary_vjp", dy, &from));
    ODEON_TRY(remote_tensor(queue, "unary_vjp", dx, &to));
    return cpu_unary_vjp(remote_cpu_queue(queue), id, &known, &from, &to);
}

static odeon_status binary(odeon_queue *queue, int32_t id, const odeon_tensor *a,
                           const odeon_tensor *b, const odeon_tensor *y)
{
    odeon_tensor left, right, to;
    ODEON_TRY(remote_tensor(queue, "binary", a, &left));
    ODEON_TRY(remote_tensor(queue, "binary", b, &right));
    ODEON_TRY(remote_tensor(queue, "binary", y, &to));
    return cpu_binary(remote_cpu_queue(queue), id, &left, &right, &to);
}

static odeon_status power(odeon_queue *queue, double scale, double exponent, const odeon_tensor *x,
                          const odeon_tensor *y)
{
    odeon_tensor from, to;
    ODEON_TRY(remote_tensor(queue, "power", x, &from));
    ODEON_TRY(remote_tensor(queue, "power", y, &to));
    return cpu_power(remote_cpu_queue(queue), scale, exponent, &from, &to);
}

/* ---- products ---- */

/* *bias has to live as long as *out. */
static odeon_status reach_epilogue(const odeon_queue *queue, const char *name,
                                   const odeon_epilogue *epilogue, odeon_tensor *bias,
                                   odeon_epilogue *out)
{
    *out = epilogue != NULL ? *epilogue : (odeon_epilogue){0};
    if (out->bias != NULL) {
        ODEON_TRY(remote_tensor(queue, name, out->bias, bias));
        out->bias = bias;
    }
    return ODEON_OK;
}

static odeon_status gemm(odeon_queue *queue, int32_t trans_a, int32_t trans_b, double alpha,
                         const odeon_tensor *a, const odeon_tensor *b, double beta,
                         const odeon_tensor *c, const odeon_epilogue *epilogue)
{
    odeon_tensor left, right, to, bias;
    odeon_epilogue last;
    ODEON_TRY(remote_tensor(queue, "gemm", a, &left));
    ODEON_TRY(remote_tensor(queue, "gemm", b, &right));
    ODEON_TRY(remote_tensor(queue, "gemm", c, &to));
    ODEON_TRY(reach_epilogue(queue, "gemm", epilogue, &bias, &last));
    return cpu_gemm(remote_cpu_queue(queue), trans_a, trans_b, alpha, &left, &right, beta, &to,
                    epilogue != NULL ? &last : NULL);
}

static odeon_status channel_sum(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *bias)
{
    odeon_tensor to, from;
    ODEON_TRY(remote_tensor(queue, "channel_sum", x, &from));
    ODEON_TRY(remote_tensor(queue, "channel_sum", bias, &to));
    return cpu_channel_sum(remote_cpu_queue(queue), &from, &to);
}

static uint64_t conv2d_scratch(void *device, const odeon_conv2d *geometry, const odeon_tensor *x,
                               const odeon_tensor *w)
{
    remote_device *d = device;
    return cpu_conv2d_scratch(d->cpu, geometry, x, w);
}

static odeon_status reach_scratch(const odeon_queue *queue, const char *name,
                                  const odeon_conv2d *geometry, const odeon_tensor *x,
                                  const odeon_tensor *w, void *scratch, void **out)
{
    uint64_t bytes = cpu_conv2d_scratch(NULL, geometry, x, w);
    *out = NULL;
    return bytes > 0 ? remote_reach(queue, name, scratch, bytes, out) : ODEON_OK;
}

static odeon_status conv2d(odeon_queue *queue, const odeon_conv2d *geometry, const odeon_tensor *x,
                           const odeon_tensor *w, const odeon_epilogue *epilogue,
                           const odeon_tensor *y, void *scratch)
{
    odeon_tensor from, filters, to, bias;
    odeon_epilogue last;
    void *work;
    ODEON_TRY(remote_tensor(queue, "conv2d", x, &from));
    ODEON_TRY(remote_tensor(queue, "conv2d", w, &filters));
    ODEON_TRY(remote_tensor(queue, "conv2d", y, &to));
    ODEON_TRY(reach_epilogue(queue, "conv2d", epilogue, &bias, &last));
    ODEON_TRY(reach_scratch(queue, "conv2d", geometry, x, w, scratch, &work));
    return cpu_conv2d(remote_cpu_queue(queue), geometry, &from, &filters,
                      epilogue != NULL ? &last : NULL, &to, work);
}

static odeon_status conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d *geometry,
                                 const odeon_tensor *w, const odeon_tensor *dy,
                                 const odeon_tensor *dx, void *scratch)
{
    odeon_tensor filters, from, to;
    void *work;
    ODEON_TRY(remote_tensor(queue, "conv2d_vjp_x", w, &filters));
    ODEON_TRY(remote_tensor(queue, "conv2d_vjp_x", dy, &from));
    ODEON_TRY(remote_tensor(queue, "conv2d_vjp_x", dx, &to));
    ODEON_TRY(reach_scratch(queue, "conv2d_vjp_x", geometry, dx, w, scratch, &work));
    return cpu_conv2d_vjp_x(remote_cpu_queue(queue), geometry, &filters, &from, &to, work);
}

static odeon_status conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d *geometry,
                                 const odeon_tensor *x, const odeon_tensor *dy,
                                 const odeon_tensor *dw, void *scratch)
{
    odeon_tensor image, from, to;
    void *work;
    ODEON_TRY(remote_tensor(queue, "conv2d_vjp_w", x, &image));
    ODEON_TRY(remote_tensor(queue, "conv2d_vjp_w", dy, &from));
    ODEON_TRY(remote_tensor(queue, "conv2d_vjp_w", dw, &to));
    ODEON_TRY(reach_scratch(queue, "conv2d_vjp_w", geometry, x, dw, scratch, &work));
    return cpu_conv2d_vjp_w(remote_cpu_queue(queue), geometry, &image, &from, &to, work);
}

/* ---- pooling, normalization ---- */

static odeon_status pool2d(odeon_queue *queue, const odeon_pool2d *geometry, const odeon_tensor *x,
                           const odeon_tensor *y)
{
    odeon_tensor to, from;
    ODEON_TRY(remote_tensor(queue, "pool2d", x, &from));
    ODEON_TRY(remote_tensor(queue, "pool2d", y, &to));
    return cpu_pool2d(remote_cpu_queue(queue), geometry, &from, &to);
}

static odeon_status pool2d_vjp(odeon_queue *queue, const odeon_pool2d *geometry,
                               const odeon_tensor *x, const odeon_tensor *dy,
                               const odeon_tensor *dx)
{
    odeon_tensor to, from, image;
    const odeon_tensor *use_x;
    ODEON_TRY(remote_optional(queue, "pool2d_vjp", x, &image, &use_x));
    ODEON_TRY(remote_tensor(queue, "pool2d_vjp", dy, &from));
    ODEON_TRY(remote_tensor(queue, "pool2d_vjp", dx, &to));
    return cpu_pool2d_vjp(remote_cpu_queue(queue), geometry, use_x, &from, &to);
}

static odeon_status group_norm(odeon_queue *queue, int32_t groups, double epsilon,
                               const odeon_tensor *x, const odeon_tensor *w, const odeon_tensor *b,
                               const odeon_tensor *y, const odeon_tensor *stats)
{
    odeon_tensor from, weight, bias, to, moments;
    const odeon_tensor *use_w, *use_b;
    ODEON_TRY(remote_tensor(queue, "groupnorm", x, &from));
    ODEON_TRY(remote_optional(queue, "groupnorm", w, &weight, &use_w));
    ODEON_TRY(remote_optional(queue, "groupnorm", b, &bias, &use_b));
    ODEON_TRY(remote_tensor(queue, "groupnorm", y, &to));
    ODEON_TRY(remote_tensor(queue, "groupnorm", stats, &moments));
    return cpu_group_norm(remote_cpu_queue(queue), groups, epsilon, &from, use_w, use_b, &to,
                          &moments);
}

static odeon_status group_norm_vjp(odeon_queue *queue, int32_t groups, const odeon_tensor *x,
                                   const odeon_tensor *w, const odeon_tensor *stats,
                                   const odeon_tensor *dy, const odeon_tensor *dx,
                                   const odeon_tensor *dw, const odeon_tensor *db)
{
    odeon_tensor image, weight, moments, from, to, to_w, to_b;
    const odeon_tensor *use_w, *use_dx, *use_dw, *use_db;
    ODEON_TRY(remote_tensor(queue, "groupnorm_vjp", x, &image));
    ODEON_TRY(remote_optional(queue, "groupnorm_vjp", w, &weight, &use_w));
    ODEON_TRY(remote_tensor(queue, "groupnorm_vjp", stats, &moments));
    ODEON_TRY(remote_tensor(queue, "groupnorm_vjp", dy, &from));
    ODEON_TRY(remote_optional(queue, "groupnorm_vjp", dx, &to, &use_dx));
    ODEON_TRY(remote_optional(queue, "groupnorm_vjp", dw, &to_w, &use_dw));
    ODEON_TRY(remote_optional(queue, "groupnorm_vjp", db, &to_b, &use_db));
    return cpu_group_norm_vjp(remote_cpu_queue(queue), groups, &image, use_w, &moments, &from,
                              use_dx, use_dw, use_db);
}

static odeon_status channel_moment(odeon_queue *queue, const odeon_tensor *x,
                                   const odeon_tensor *mean, const odeon_tensor *out)
{
    odeon_tensor from, centre, to;
    const odeon_tensor *use_mean;
    ODEON_TRY(remote_tensor(queue, "channel_moment", x, &from));
    ODEON_TRY(remote_optional(queue, "channel_moment", mean, &centre, &use_mean));
    ODEON_TRY(remote_tensor(queue, "channel_moment", out, &to));
    return cpu_channel_moment(remote_cpu_queue(queue), &from, use_mean, &to);
}

static odeon_status batch_norm(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *stats,
                               const odeon_tensor *w, const odeon_tensor *b, int32_t act,
                               const odeon_tensor *y)
{
    odeon_tensor from, weight, bias, to, moments;
    const odeon_tensor *use_w, *use_b;
    ODEON_TRY(remote_tensor(queue, "batch_norm", x, &from));
    ODEON_TRY(remote_tensor(queue, "batch_norm", stats, &moments));
    ODEON_TRY(remote_optional(queue, "batch_norm", w, &weight, &use_w));
    ODEON_TRY(remote_optional(queue, "batch_norm", b, &bias, &use_b));
    ODEON_TRY(remote_tensor(queue, "batch_norm", y, &to));
    return cpu_batch_norm(remote_cpu_queue(queue), &from, &moments, use_w, use_b, act, &to);
}

static odeon_status batch_norm_vjp_sums(odeon_queue *queue, const odeon_tensor *x,
                                        const odeon_tensor *stats, const odeon_tensor *dy,
                                        const odeon_tensor *sums)
{
    odeon_tensor image, moments, from, to;
    ODEON_TRY(remote_tensor(queue, "batch_norm_vjp_sums", x, &image));
    ODEON_TRY(remote_tensor(queue, "batch_norm_vjp_sums", stats, &moments));
    ODEON_TRY(remote_tensor(queue, "batch_norm_vjp_sums", dy, &from));
    ODEON_TRY(remote_tensor(queue, "batch_norm_vjp_sums", sums, &to));
    return cpu_batch_norm_vjp_sums(remote_cpu_queue(queue), &image, &moments, &from, &to);
}

static odeon_status batch_norm_vjp(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *w,
                                   const odeon_tensor *stats, const odeon_tensor *dy,
                                   const odeon_tensor *sums, double count, const odeon_tensor *dx)
{
    odeon_tensor image, weight, moments, from, totals, to;
    const odeon_tensor *use_w;
    ODEON_TRY(remote_tensor(queue, "batch_norm_vjp", x, &image));
    ODEON_TRY(remote_optional(queue, "batch_norm_vjp", w, &weight, &use_w));
    ODEON_TRY(remote_tensor(queue, "batch_norm_vjp", stats, &moments));
    ODEON_TRY(remote_tensor(queue, "batch_norm_vjp", dy, &from));
    ODEON_TRY(remote_tensor(queue, "batch_norm_vjp", sums, &totals));
    ODEON_TRY(remote_tensor(queue, "batch_norm_vjp", dx, &to));
    return cpu_batch_norm_vjp(remote_cpu_queue(queue), &image, use_w, &moments, &from, &totals,
                              count, &to);
}

const odeon_device_ops remote_ops = {
    .struct_size = sizeof(odeon_device_ops),
    .rank = -1,
    .probe = remote_probe,
    .describe = remote_describe,
    .queue_create = remote_queue_create,
    .queue_destroy = remote_queue_destroy,
    .alloc = remote_alloc,
    .free = remote_free,
    .upload = remote_upload,
    .download = remote_download,
    .slots_read = remote_slots_read,
    .wait = remote_wait,
    .copy = copy,
    .cast = cast,
    .gather = gather,
    .fill = fill,
    .copy2d = copy2d,
    .rows_fill = rows_fill,
    .rows_sum = rows_sum,
    .slots_write = slots_write,
    .stage_times = stage_times,
    .lincomb = lincomb,
    .error_sum = error_sum,
    .dot = dot,
    .step_control = step_control,
    .step_start = step_start,
    .select = select_where,
    .row_store = row_store,
    .row_load = row_load,
    .step_back = step_back,
    .unary = unary,
    .unary_vjp = unary_vjp,
    .binary = binary,
    .power = power,
    .gemm = gemm,
    .channel_sum = channel_sum,
    .conv2d_scratch = conv2d_scratch,
    .conv2d = conv2d,
    .conv2d_vjp_x = conv2d_vjp_x,
    .conv2d_vjp_w = conv2d_vjp_w,
    .pool2d = pool2d,
    .pool2d_vjp = pool2d_vjp,
    .group_norm = group_norm,
    .group_norm_vjp = group_norm_vjp,
    .channel_moment = channel_moment,
    .batch_norm = batch_norm,
    .batch_norm_vjp_sums = batch_norm_vjp_sums,
    .batch_norm_vjp = batch_norm_vjp,
    .dropout = remote_dropout,
    .window2d = remote_window2d,
    .window2d_vjp = remote_window2d_vjp,
    .softmax_cross_entropy = remote_softmax_cross_entropy,
    .difference_loss = remote_difference_loss,
    .sgd_step = remote_sgd_step,
    .adam_step = remote_adam_step,
    .rmsprop_step = remote_rmsprop_step,
    .get_extension = remote_extension,
};
