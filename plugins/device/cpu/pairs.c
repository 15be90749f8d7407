#include <string.h>

#include "../common/step_control.h"
#include "cpu.h"

static int64_t bytes_of(const odeon_tensor *x)
{
    return odeon_count(x) * odeon_dtype_bytes(x->dtype);
}

/* Checks n pairs, each float32 or float64 on its own. Values are only moved, so the kernels are not
 * used. */
static odeon_status begin_pairs(odeon_queue *queue, const char *name, int32_t n,
                                const odeon_tensor *const *x, const odeon_tensor *const *y)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, name, ODEON_DTYPE_F32, &k));
    ODEON_TRY(
        cpu_require(queue, n >= 0 && n <= ODEON_MAX_STAGES, name, "at most ODEON_MAX_STAGES"));
    for (int32_t i = 0; i < n; i++) {
        int32_t dtype = x[i]->dtype;
        ODEON_TRY(cpu_require(
            queue, (dtype == ODEON_DTYPE_F32 || dtype == ODEON_DTYPE_F64) && y[i]->dtype == dtype,
            name, "pairs of float32 or of float64"));
    }
    return ODEON_OK;
}

enum { BLOCK_BYTES = 256 };

/* Length of the block that begins first bytes into x; 0 beyond its end. */
static size_t block_of(const odeon_tensor *x, int64_t first)
{
    int64_t rest = bytes_of(x) - first;
    return rest <= 0 ? 0 : rest < BLOCK_BYTES ? (size_t)rest : BLOCK_BYTES;
}

/* Moves one block of every pair. All x are read before any y is written, because they may be the
 * same memory. */
static void move_blocks(int32_t n, const odeon_tensor *const *x, const odeon_tensor *const *y,
                        int64_t first)
{
    char blocks[ODEON_MAX_STAGES][BLOCK_BYTES];
    for (int32_t i = 0; i < n; i++) {
        size_t bytes = block_of(x[i], first);
        if (bytes > 0) {
            memcpy(blocks[i], (const char *)x[i]->data + first, bytes);
        }
    }
    for (int32_t i = 0; i < n; i++) {
        size_t bytes = block_of(y[i], first);
        if (bytes > 0) {
            memcpy((char *)y[i]->data + first, blocks[i], bytes);
        }
    }
}

/* x[i], y[i]: any shape, equal within a pair. */
odeon_status cpu_select(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                        const odeon_tensor *const *y, const double *slots, int32_t slot)
{
    int64_t longest = 0;
    ODEON_TRY(begin_pairs(queue, "select", n, x, y));
    for (int32_t i = 0; i < n; i++) {
        ODEON_TRY(cpu_require(queue, cpu_alike(x[i], y[i]), "select", "of one dtype and count"));
        longest = bytes_of(x[i]) > longest ? bytes_of(x[i]) : longest;
    }
    for (int64_t first = 0; slots[slot] != 0.0 && first < longest; first += BLOCK_BYTES) {
        move_blocks(n, x, y, first);
    }
    return ODEON_OK;
}

/* Checks x[i] and y[i] [rows, ...]; *row is the row that the slot names, -1 for none. */
static odeon_status find_row(odeon_queue *queue, const char *name, int32_t n,
                             const odeon_tensor *const *x, const odeon_tensor *const *y,
                             const double *slots, int32_t slot, int64_t *row)
{
    ODEON_TRY(begin_pairs(queue, name, n, x, y));
    for (int32_t i = 0; i < n; i++) {
        ODEON_TRY(cpu_require(queue,
                              y[i]->ndim >= 1 && y[i]->dim[0] == y[0]->dim[0] &&
                                  odeon_count(y[i]) == y[i]->dim[0] * odeon_count(x[i]),
                              name, "y rows of x, as many as in the first pair"));
    }
    *row = n > 0 ? slot_row(slots, slot, y[0]->dim[0]) : -1;
    return ODEON_OK;
}

/* x[i] -> row slots[slot] of y[i] [rows, ...]. */
odeon_status cpu_row_store(odeon_queue *queue, int32_t n, const odeon_tensor *const *x,
                           const odeon_tensor *const *y, const double *slots, int32_t slot)
{
    int64_t row;
    ODEON_TRY(find_row(queue, "row_store", n, x, y, slots, slot, &row));
    for (int32_t i = 0; i < n && row >= 0; i++) {
        int64_t bytes = bytes_of(x[i]);
        if (bytes > 0) {
            memcpy((char *)y[i]->data + row * bytes, x[i]->data, (size_t)bytes);
        }
    }
    return ODEON_OK;
}

/* Row slots[slot] of y[i] [rows, ...] -> x[i]. */
odeon_status cpu_row_load(odeon_queue *queue, int32_t n, const odeon_tensor *const *y,
                          const odeon_tensor *const *x, const double *slots, int32_t slot)
{
    int64_t row;
    ODEON_TRY(find_row(queue, "row_load", n, x, y, slots, slot, &row));
    for (int32_t i = 0; i < n && row >= 0; i++) {
        int64_t bytes = bytes_of(x[i]);
        if (bytes > 0) {
            memcpy(x[i]->data, (const char *)y[i]->data + row * bytes, (size_t)bytes);
        }
    }
    return ODEON_OK;
}
