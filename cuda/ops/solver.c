#include "ops.h"

/* ---- slots ---- */

/* One block whose threads are as many as slots are written at most. */
static const kernel_shape few = {1, ODEON_MAX_PARTS, 0}, alone = {1, 1, 0};

odeon_status ops_slots_write(odeon_queue *queue, double *slots, int32_t first, int32_t n,
                             const double *values)
{
    slots_write_args a = {slots, first, n, {0.0}};
    ODEON_TRY(expect_true(queue,
                          first >= 0 && n >= 0 && n <= ODEON_MAX_PARTS && first + n <= ODEON_SLOTS,
                          "slots_write: more than ODEON_MAX_PARTS, or outside the block"));
    for (int32_t i = 0; i < n; i++) {
        a.values[i] = values[i];
    }
    return launch(queue, KERNEL_slots_write, &a, few);
}

odeon_status ops_stage_times(odeon_queue *queue, int32_t n, const double *c, double *slots)
{
    stages_args a = {slots, {0.0}, n, 0};
    ODEON_TRY(expect_true(queue, n >= 0 && n <= ODEON_MAX_STAGES,
                          "stage_times: more than ODEON_MAX_STAGES"));
    for (int32_t i = 0; i < n; i++) {
        a.c[i] = c[i];
    }
    return launch(queue, KERNEL_stages, &a, few);
}

odeon_status ops_step_control(odeon_queue *queue, const odeon_control *control, double *slots)
{
    const control_args a = {slots, *control, 0, 0};
    return launch(queue, KERNEL_control_step, &a, alone);
}

odeon_status ops_step_start(odeon_queue *queue, const odeon_control *control, int32_t phase,
                            double *slots)
{
    const control_args a = {slots, *control, phase, 0};
    return launch(queue, KERNEL_control_start, &a, alone);
}

odeon_status ops_step_back(odeon_queue *queue, double *slots)
{
    const back_args a = {slots};
    return launch(queue, KERNEL_control_back, &a, alone);
}

/* ---- combinations ---- */

static int32_t is_aligned(const void *data)
{
    return (uintptr_t)data % VECTOR_BYTES == 0;
}

/* Vectors, a rest counted as one: what a thread takes at once. */
static int64_t vectors_of(const odeon_tensor *x)
{
    return (odeon_count(x) * odeon_dtype_bytes(x->dtype) + VECTOR_BYTES - 1) / VECTOR_BYTES;
}

static odeon_status take_terms(odeon_queue *queue, const odeon_tensor *model, int32_t n,
                               const odeon_tensor *const *x, const odeon_scalar *coefficient,
                               const double *slots, kernel_terms *out, int32_t *aligned)
{
    ODEON_TRY(expect_true(queue, n >= 0 && n <= ODEON_MAX_STAGES,
                          "lincomb, error_sum: more terms than ODEON_MAX_STAGES"));
    out->slots = slots;
    out->n = n;
    for (int32_t i = 0; i < n; i++) {
        ODEON_TRY(expect_like(queue, "lincomb, error_sum: x", x[i], model));
        out->coefficient[i] = coefficient[i];
        out->x[i] = x[i]->data;
        *aligned = *aligned && is_aligned(x[i]->data);
    }
    return ODEON_OK;
}

/* Small blocks for a small state, so that many processors have a part of it. */
static kernel_shape shape_combination(int64_t vectors)
{
    enum { SMALL_THREADS = 64, SMALL = 1 << 16 };
    kernel_shape shape = shape_each(vectors);
    if (vectors <= SMALL) {
        shape.threads = SMALL_THREADS;
        shape.blocks = (vectors + SMALL_THREADS - 1) / SMALL_THREADS;
    }
    shape.shared_bytes = ODEON_MAX_STAGES * (int32_t)sizeof(double);
    return shape;
}

odeon_status ops_lincomb(odeon_queue *queue, const odeon_tensor *y, const odeon_tensor *base,
                         int32_t n, const odeon_tensor *const *x, const odeon_scalar *coefficient,
                         const double *slots)
{
    lincomb_args a = {.y = y->data,
                      .base = base != NULL ? base->data : NULL,
                      .count = odeon_count(y),
                      .aligned = is_aligned(y->data) && (base == NULL || is_aligned(base->data))};
    ODEON_TRY(expect_real(queue, "lincomb: y", y, 0));
    ODEON_TRY(expect_like(queue, "lincomb: base", base != NULL ? base : y, y));
    ODEON_TRY(take_terms(queue, y, n, x, coefficient, slots, &a.terms, &a.aligned));
    return launch(queue, kernel_of(KERNEL_lincomb_f32, y->dtype), &a,
                  shape_combination(vectors_of(y)));
}

/* ---- sums ---- */

/* One block for little, whose second kernel would cost more than it; else many. At least one, as a
 * sum of nothing is written too. */
static kernel_shape shape_parts(int64_t vectors)
{
    enum { ALONE = 4 * KERNEL_THREADS, MOST_BLOCKS = 1024 };
    int64_t blocks = (vectors + KERNEL_THREADS - 1) / KERNEL_THREADS;
    blocks = vectors <= ALONE ? 1 : blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS;
    return shape_sums(blocks, vectors);
}

/* Joins the results of blocks into *to. */
static odeon_status join_parts(odeon_queue *queue, const double *parts, int64_t count, int32_t norm,
                               double *to)
{
    const join_args a = {to, parts, count, norm, 0};
    return launch(queue, KERNEL_join, &a, shape_sums(1, count));
}

odeon_status ops_error_sum(odeon_queue *queue, const odeon_control *control, const odeon_tensor *y0,
                           const odeon_tensor *y1, int32_t n, const odeon_tensor *const *x,
                           const odeon_scalar *coefficient, double *slots, int32_t slot)
{
    error_sum_args a = {.y0 = y0->data,
                        .y1 = y1->data,
                        .count = odeon_count(y0),
                        .rtol = control->rtol,
                        .atol = control->atol,
                        .rtol_each = control->rtol_each,
                        .atol_each = control->atol_each,
                        .n_each = control->n_each,
                        .norm = control->norm,
                        .aligned = is_aligned(y0->data) && is_aligned(y1->data)};
    ODEON_TRY(expect_real(queue, "error_sum: y0", y0, 0));
    ODEON_TRY(expect_like(queue, "error_sum: y1", y1, y0));
    ODEON_TRY(take_terms(queue, y0, n, x, coefficient, slots, &a.terms, &a.aligned));
    kernel_shape shape = shape_parts(vectors_of(y0));
    shape.shared_bytes += ODEON_MAX_STAGES * (int32_t)sizeof(double);
    a.to = shape.blocks > 1 ? queue_scratch(queue) : slots + slot;
    ODEON_TRY(launch(queue, kernel_of(KERNEL_error_sum_f32, y0->dtype), &a, shape));
    return shape.blocks > 1 ? join_parts(queue, a.to, shape.blocks, a.norm, slots + slot)
                            : ODEON_OK;
}

odeon_status ops_dot(odeon_queue *queue, const odeon_tensor *a, const odeon_tensor *b,
                     double *slots, int32_t slot)
{
    ODEON_TRY(expect_real(queue, "dot: a", a, 0));
    ODEON_TRY(expect_like(queue, "dot: b", b, a));
    kernel_shape shape = shape_parts(vectors_of(a));
    double *to = shape.blocks > 1 ? queue_scratch(queue) : slots + slot;
    const dot_args d = {
        to, a->data, b->data, odeon_count(a), is_aligned(a->data) && is_aligned(b->data), 0};
    ODEON_TRY(launch(queue, kernel_of(KERNEL_dot_f32, a->dtype), &d, shape));
    return shape.blocks > 1 ? join_parts(queue, to, shape.blocks, ODEON_NORM_RMS, slots + slot)
                            : ODEON_OK;
}
