#include "ops.h"

static odeon_status expect_number(odeon_queue *queue, int32_t n)
{
    return expect_true(queue, n >= 0 && n <= ODEON_MAX_STAGES,
                       "select, row_store, row_load: more pairs than ODEON_MAX_STAGES");
}

/* The words of one x, or of one row. */
static kernel_pair pair_of(const odeon_tensor *from, const odeon_tensor *to, int64_t count)
{
    int64_t bytes = count * odeon_dtype_bytes(from->dtype);
    uintptr_t all = (uintptr_t)from->data | (uintptr_t)to->data;
    kernel_pair pair = {from->data, to->data, bytes / 4, all % VECTOR_BYTES == 0, 0};
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

odeon_status ops_select(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                        const odeon_tensor *const *y, const double *slots, int32_t slot)
{
    pairs_args a = {.slots = slots, .slot = slot, .n = n};
    ODEON_TRY(expect_number(queue, n));
    for (int32_t i = 0; i < n; i++) {
        ODEON_TRY(expect_real(queue, "select: x", x[i], 0));
        ODEON_TRY(expect_like(queue, "select: y", y[i], x[i]));
        a.pair[i] = pair_of(x[i], y[i], odeon_count(x[i]));
    }
    return launch(queue, KERNEL_choose, &a, shape_choose(&a));
}

/* one: what rows are of; rows[i] is [rows[0]->dim[0], ...]. */
static odeon_status move_rows(odeon_queue *queue, int32_t n, const odeon_tensor *const *one,
                              const odeon_tensor *const *rows, pairs_args *a)
{
    ODEON_TRY(expect_number(queue, n));
    for (int32_t i = 0; i < n; i++) {
        int64_t count = odeon_count(one[i]);
        ODEON_TRY(expect_real(queue, "row_store, row_load: x", one[i], 0));
        ODEON_TRY(
            expect_true(queue,
                        rows[i]->dtype == one[i]->dtype && rows[i]->ndim >= 1 &&
                            rows[i]->dim[0] == rows[0]->dim[0] &&
                            odeon_count(rows[i]) == rows[i]->dim[0] * count,
                        "row_store, row_load: y is not rows of x, as many as in the first pair"));
        a->rows = rows[i]->dim[0];
        a->pair[i] =
            a->is_store ? pair_of(one[i], rows[i], count) : pair_of(rows[i], one[i], count);
        a->pair[i].aligned = a->pair[i].aligned && a->pair[i].words % PAIR_WORDS == 0;
    }
    return launch(queue, KERNEL_move_row, a, shape_pairs(a));
}

odeon_status ops_row_store(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                           const odeon_tensor *const *y, const double *slots, int32_t slot)
{
    pairs_args a = {.slots = slots, .slot = slot, .is_store = 1, .n = n};
    return move_rows(queue, n, x, y, &a);
}

odeon_status ops_row_load(odeon_queue *queue, int32_t n, const odeon_tensor *const *y,
                          const odeon_tensor *const *x, const double *slots, int32_t slot)
{
    pairs_args a = {.slots = slots, .slot = slot, .n = n};
    return move_rows(queue, n, x, y, &a);
}
