#include "solver.h"

#include "odeon/device_solver.h"
#include "ops.h"

/* ---- slots ---- */

/* One block whose threads are as many as slots are written at most. */
static const kernel_shape few = {1, ODEON_MAX_PARTS, 0}, alone = {1, 1, 0};

static odeon_status ops_slots_write(odeon_queue *queue, const odeon_slots_write *call)
{
    ODEON_TRY(expect_flags(queue, "slots_write", call->flags));
    slots_write_args a = {call->slots, call->first, call->n, {0.0}};
    ODEON_TRY(expect_true(queue,
                          call->first >= 0 && call->n >= 0 && call->n <= ODEON_MAX_PARTS &&
                              call->first + call->n <= ODEON_SLOTS,
                          "slots_write: more than ODEON_MAX_PARTS, or outside the block"));
    for (int32_t i = 0; i < call->n; i++) {
        a.values[i] = call->values[i];
    }
    return launch(queue, KERNEL_slots_write, &a, few);
}

static odeon_status ops_stage_times(odeon_queue *queue, const odeon_stage_times *call)
{
    ODEON_TRY(expect_flags(queue, "stage_times", call->flags));
    stages_args a = {call->slots, {0.0}, call->n, 0};
    ODEON_TRY(expect_true(queue, call->n >= 0 && call->n <= ODEON_MAX_STAGES,
                          "stage_times: more than ODEON_MAX_STAGES"));
    for (int32_t i = 0; i < call->n; i++) {
        a.c[i] = call->c[i];
    }
    return launch(queue, KERNEL_stages, &a, few);
}

static odeon_status ops_step_control(odeon_queue *queue, const odeon_step_control *call)
{
    ODEON_TRY(expect_flags(queue, "step_control", call->flags));
    const control_args a = {call->slots, *call->control, 0, 0};
    return launch(queue, KERNEL_control_step, &a, alone);
}

static odeon_status ops_step_start(odeon_queue *queue, const odeon_step_start *call)
{
    ODEON_TRY(expect_flags(queue, "step_start", call->flags));
    const control_args a = {call->slots, *call->control, call->phase, 0};
    return launch(queue, KERNEL_control_start, &a, alone);
}

odeon_status ops_step_back(odeon_queue *queue, const odeon_step_back *call)
{
    ODEON_TRY(expect_flags(queue, "step_back", call->flags));
    const back_args a = {call->slots};
    return launch(queue, KERNEL_control_back, &a, alone);
}

/* ---- combinations ---- */

/* Vectors, a rest counted as one: what a thread takes at once. */
static int64_t vectors_of(const odeon_shape *x)
{
    return (odeon_bytes(x) + VECTOR_BYTES - 1) / VECTOR_BYTES;
}

odeon_status ops_take_terms(odeon_queue *queue, const odeon_shape *model, int32_t n,
                            const odeon_view *const *x, const odeon_scalar *coefficient,
                            const double *slots, kernel_terms *out, int32_t *aligned)
{
    ODEON_TRY(expect_true(queue, n >= 0 && n <= ODEON_MAX_STAGES,
                          "lincomb, error_sum: more terms than ODEON_MAX_STAGES"));
    out->slots = slots;
    out->n = n;
    for (int32_t i = 0; i < n; i++) {
        ODEON_TRY(expect_like(queue, "lincomb, error_sum: x", &x[i]->shape, model));
        out->coefficient[i] = coefficient[i];
        out->x[i] = odeon_read(x[i]);
        *aligned = *aligned && is_aligned(odeon_read(x[i]));
    }
    return ODEON_OK;
}

static kernel_shape shape_combination(const odeon_shape *x)
{
    kernel_shape shape = shape_vectors(x);
    shape.shared_bytes = ODEON_MAX_STAGES * (int32_t)sizeof(double);
    return shape;
}

static odeon_status ops_lincomb(odeon_queue *queue, const odeon_lincomb *call)
{
    ODEON_TRY(expect_flags(queue, "lincomb", call->flags));
    lincomb_args a = {.y = odeon_write(call->y),
                      .base = read_or_null(call->base),
                      .count = odeon_count(&call->y->view.shape),
                      .aligned = is_aligned(odeon_write(call->y)) &&
                                 (call->base == NULL || is_aligned(odeon_read(call->base)))};
    ODEON_TRY(expect_real(queue, "lincomb: y", &call->y->view.shape, 0));
    ODEON_TRY(expect_optional(queue, "lincomb: base", call->base, &call->y->view.shape));
    ODEON_TRY(ops_take_terms(queue, &call->y->view.shape, call->n, call->x, call->coefficient,
                             call->slots, &a.terms, &a.aligned));
    return launch(queue, kernel_of(KERNEL_lincomb_f32, call->y->view.shape.dtype), &a,
                  shape_combination(&call->y->view.shape));
}

/* ---- sums ---- */

/* One block for little, whose second kernel would cost more than it; else many. At least one, as a
 * sum of nothing is written too. */
kernel_shape ops_shape_parts(int64_t vectors)
{
    enum { ALONE = 4 * KERNEL_THREADS, MOST_BLOCKS = 1024 };
    int64_t blocks = (vectors + KERNEL_THREADS - 1) / KERNEL_THREADS;
    blocks = vectors <= ALONE ? 1 : blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS;
    return shape_sums(blocks, vectors);
}

odeon_status ops_join_parts(odeon_queue *queue, const double *parts, int64_t count, int32_t norm,
                            double *to)
{
    const join_args a = {to, parts, count, norm, 0};
    return launch(queue, KERNEL_join, &a, shape_sums(1, count));
}

error_sum_args ops_error_args(const odeon_control *control, const odeon_view *y0,
                              const odeon_view *y1)
{
    return (error_sum_args){.y0 = odeon_read(y0),
                            .y1 = odeon_read(y1),
                            .count = odeon_count(&y0->shape),
                            .rtol = control->rtol,
                            .atol = control->atol,
                            .rtol_each = control->rtol_each,
                            .atol_each = control->atol_each,
                            .n_each = control->n_each,
                            .norm = control->norm,
                            .aligned = is_aligned(odeon_read(y0)) && is_aligned(odeon_read(y1))};
}

static odeon_status ops_error_sum(odeon_queue *queue, const odeon_error_sum *call)
{
    ODEON_TRY(expect_flags(queue, "error_sum", call->flags));
    error_sum_args a = ops_error_args(call->control, call->y0, call->y1);
    ODEON_TRY(expect_real(queue, "error_sum: y0", &call->y0->shape, 0));
    ODEON_TRY(expect_like(queue, "error_sum: y1", &call->y1->shape, &call->y0->shape));
    ODEON_TRY(ops_take_terms(queue, &call->y0->shape, call->n, call->x, call->coefficient,
                             call->slots, &a.terms, &a.aligned));
    kernel_shape shape = ops_shape_parts(vectors_of(&call->y0->shape));
    shape.shared_bytes += ODEON_MAX_STAGES * (int32_t)sizeof(double);
    a.to = shape.blocks > 1 ? queue_scratch(queue) : call->slots + call->slot;
    ODEON_TRY(launch(queue, kernel_of(KERNEL_error_sum_f32, call->y0->shape.dtype), &a, shape));
    return shape.blocks > 1
               ? ops_join_parts(queue, a.to, shape.blocks, a.norm, call->slots + call->slot)
               : ODEON_OK;
}

static odeon_status ops_dot(odeon_queue *queue, const odeon_dot *call)
{
    ODEON_TRY(expect_flags(queue, "dot", call->flags));
    ODEON_TRY(expect_real(queue, "dot: a", &call->a->shape, 0));
    ODEON_TRY(expect_like(queue, "dot: b", &call->b->shape, &call->a->shape));
    kernel_shape shape = ops_shape_parts(vectors_of(&call->a->shape));
    double *to = shape.blocks > 1 ? queue_scratch(queue) : call->slots + call->slot;
    const dot_args d = {to,
                        odeon_read(call->a),
                        odeon_read(call->b),
                        odeon_count(&call->a->shape),
                        is_aligned(odeon_read(call->a)) && is_aligned(odeon_read(call->b)),
                        0};
    ODEON_TRY(launch(queue, kernel_of(KERNEL_dot_f32, call->a->shape.dtype), &d, shape));
    return shape.blocks > 1
               ? ops_join_parts(queue, to, shape.blocks, ODEON_NORM_RMS, call->slots + call->slot)
               : ODEON_OK;
}

/* ---- pairs ---- */

static odeon_status expect_number(odeon_queue *queue, int32_t n)
{
    return expect_true(queue, n >= 0 && n <= ODEON_MAX_STAGES,
                       "select, row_store, row_load: more pairs than ODEON_MAX_STAGES");
}

/* The words of one x, or of one row; from and to are their addresses, bytes their size. */
static kernel_pair pair_of(const void *from, void *to, int64_t bytes)
{
    uintptr_t all = (uintptr_t)from | (uintptr_t)to;
    kernel_pair pair = {from, to, bytes / 4, all % VECTOR_BYTES == 0, 0};
    return pair;
}

/* One thread for every neighbours of the longest pair. */
static kernel_shape shape_pairs(const pairs_args *a)
{
    return shape_each(pairs_longest(a));
}

/* As many threads as shared memory holds their elements. */
static kernel_shape shape_choose(const pairs_args *a)
{
    int32_t a_thread = a->n * (int32_t)sizeof(pair_words);
    kernel_shape shape = shape_pairs(a);
    while (shape.threads * a_thread > KERNEL_SHARED_BYTES) {
        shape.threads /= 2;
    }
    shape.shared_bytes = shape.threads * a_thread;
    return shape;
}

static odeon_status ops_select(odeon_queue *queue, const odeon_select *call)
{
    ODEON_TRY(expect_flags(queue, "select", call->flags));
    pairs_args a = {.slots = call->slots, .slot = call->slot, .n = call->n};
    ODEON_TRY(expect_number(queue, call->n));
    for (int32_t i = 0; i < call->n; i++) {
        const odeon_shape *x = &call->x[i]->shape;
        ODEON_TRY(expect_real(queue, "select: x", x, 0));
        ODEON_TRY(expect_like(queue, "select: y", &call->y[i]->view.shape, x));
        a.pair[i] = pair_of(odeon_read(call->x[i]), odeon_write(call->y[i]), odeon_bytes(x));
    }
    return launch(queue, KERNEL_choose, &a, shape_choose(&a));
}

/* A row is what x is; y [rows, ...]. */
static odeon_status expect_row(odeon_queue *queue, const odeon_shape *x, const odeon_shape *y,
                               int64_t rows)
{
    ODEON_TRY(expect_real(queue, "row_store, row_load: x", x, 0));
    return expect_true(queue,
                       y->dtype == x->dtype && y->ndim >= 1 && y->dim[0] == rows &&
                           odeon_count(y) == rows * odeon_count(x),
                       "row_store, row_load: y is not rows of x, as many as in the first pair");
}

/* a: with all pairs. A row after the first is aligned where whole vectors stand before it. */
static odeon_status move_rows(odeon_queue *queue, pairs_args *a)
{
    for (int32_t i = 0; i < a->n; i++) {
        a->pair[i].aligned = a->pair[i].aligned && a->pair[i].words % PAIR_WORDS == 0;
    }
    return launch(queue, KERNEL_move_row, a, shape_pairs(a));
}

static odeon_status ops_row_store(odeon_queue *queue, const odeon_row_store *call)
{
    ODEON_TRY(expect_flags(queue, "row_store", call->flags));
    pairs_args a = {.slots = call->slots, .slot = call->slot, .is_store = 1, .n = call->n};
    ODEON_TRY(expect_number(queue, call->n));
    a.rows = call->n > 0 ? call->y[0]->view.shape.dim[0] : 0;
    for (int32_t i = 0; i < call->n; i++) {
        const odeon_shape *x = &call->x[i]->shape;
        ODEON_TRY(expect_row(queue, x, &call->y[i]->view.shape, a.rows));
        a.pair[i] = pair_of(odeon_read(call->x[i]), odeon_write(call->y[i]), odeon_bytes(x));
    }
    return move_rows(queue, &a);
}

static odeon_status ops_row_load(odeon_queue *queue, const odeon_row_load *call)
{
    ODEON_TRY(expect_flags(queue, "row_load", call->flags));
    pairs_args a = {.slots = call->slots, .slot = call->slot, .n = call->n};
    ODEON_TRY(expect_number(queue, call->n));
    a.rows = call->n > 0 ? call->y[0]->shape.dim[0] : 0;
    for (int32_t i = 0; i < call->n; i++) {
        const odeon_shape *x = &call->x[i]->view.shape;
        ODEON_TRY(expect_row(queue, x, &call->y[i]->shape, a.rows));
        a.pair[i] = pair_of(odeon_read(call->y[i]), odeon_write(call->x[i]), odeon_bytes(x));
    }
    return move_rows(queue, &a);
}

const odeon_solver_family ops_solver = {
    .struct_size = sizeof(odeon_solver_family),
    .slots_write = ops_slots_write,
    .stage_times = ops_stage_times,
    .lincomb = ops_lincomb,
    .error_sum = ops_error_sum,
    .dot = ops_dot,
    .step_control = ops_step_control,
    .step_start = ops_step_start,
    .select = ops_select,
    .row_store = ops_row_store,
    .row_load = ops_row_load,
    .step_back = ops_step_back,
};
