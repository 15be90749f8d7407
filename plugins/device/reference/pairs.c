#include "../common/step_control.h"
#include "reference.h"

/* All three operators take at most ODEON_MAX_STAGES pairs. */
static odeon_status expect_number(odeon_queue *queue, int32_t n)
{
    return reference_expect_true(queue, n >= 0 && n <= ODEON_MAX_STAGES,
                                 "select, row_store, row_load: more pairs than ODEON_MAX_STAGES");
}

/* x[i], y[i]: any shape, equal within a pair. All x are read before any y is written, element by
 * element, because a y may be the same tensor as an x. */
odeon_status reference_select(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                              const odeon_tensor *const *y, const double *slots, int32_t slot)
{
    int64_t longest = 0;
    ODEON_TRY(expect_number(queue, n));
    for (int32_t i = 0; i < n; i++) {
        ODEON_TRY(reference_expect_real(queue, "select: x", x[i], 0));
        ODEON_TRY(reference_expect_like(queue, "select: y", y[i], x[i]));
        longest = odeon_count(x[i]) > longest ? odeon_count(x[i]) : longest;
    }
    for (int64_t e = 0; slots[slot] != 0.0 && e < longest; e++) {
        double values[ODEON_MAX_STAGES] = {0.0};
        for (int32_t i = 0; i < n; i++) {
            values[i] = e < odeon_count(x[i]) ? load(x[i], e) : 0.0;
        }
        for (int32_t i = 0; i < n; i++) {
            if (e < odeon_count(y[i])) {
                store(y[i], e, values[i]);
            }
        }
    }
    return ODEON_OK;
}

/* Checks x[i] of any shape and y[i] [rows, ...] with count(x[i]) elements a row, rows equal for all
 * i. */
static odeon_status expect_rows(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                                const odeon_tensor *const *y)
{
    ODEON_TRY(expect_number(queue, n));
    for (int32_t i = 0; i < n; i++) {
        ODEON_TRY(reference_expect_real(queue, "row_store, row_load: x", x[i], 0));
        ODEON_TRY(reference_expect_true(
            queue,
            y[i]->dtype == x[i]->dtype && y[i]->ndim >= 1 && y[i]->dim[0] == y[0]->dim[0] &&
                odeon_count(y[i]) == y[i]->dim[0] * odeon_count(x[i]),
            "row_store, row_load: y is not rows of x, as many as in the first pair"));
    }
    return ODEON_OK;
}

/* x[i] -> row slots[slot] of y[i]; nothing if that is no row. */
odeon_status reference_row_store(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                                 const odeon_tensor *const *y, const double *slots, int32_t slot)
{
    ODEON_TRY(expect_rows(queue, n, x, y));
    int64_t row = n > 0 ? slot_row(slots, slot, y[0]->dim[0]) : -1;
    for (int32_t i = 0; i < n && row >= 0; i++) {
        for (int64_t e = 0; e < odeon_count(x[i]); e++) {
            store(y[i], row * odeon_count(x[i]) + e, load(x[i], e));
        }
    }
    return ODEON_OK;
}

/* Row slots[slot] of y[i] -> x[i]; nothing if that is no row. */
odeon_status reference_row_load(odeon_queue *queue, int32_t n, const odeon_tensor *const *y,
                                const odeon_tensor *const *x, const double *slots, int32_t slot)
{
    ODEON_TRY(expect_rows(queue, n, x, y));
    int64_t row = n > 0 ? slot_row(slots, slot, y[0]->dim[0]) : -1;
    for (int32_t i = 0; i < n && row >= 0; i++) {
        for (int64_t e = 0; e < odeon_count(x[i]); e++) {
            store(x[i], e, load(y[i], row * odeon_count(x[i]) + e));
        }
    }
    return ODEON_OK;
}
