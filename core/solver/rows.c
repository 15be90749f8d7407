#include "solver/rows.h"

#include "odeon/device_solver.h"
#include "solver/outputs.h"

enum { STEP_SLOTS = -1 }; /* in place of a register: slots T and H */

/* The vectors of one kind of row, and the blocks that they are stored in. */
typedef struct row_set {
    int32_t n, reg[1 + ODEON_MAX_STAGES]; /* registers, or STEP_SLOTS */
    odeon_tensor x[1 + ODEON_MAX_STAGES], rows[1 + ODEON_MAX_STAGES];
    /* x and rows by address, each to be read and to be written */
    const odeon_view *x_views[1 + ODEON_MAX_STAGES], *rows_views[1 + ODEON_MAX_STAGES];
    const odeon_tensor *x_of[1 + ODEON_MAX_STAGES], *rows_of[1 + ODEON_MAX_STAGES];
} row_set;

bool rows_end_in_place(int32_t kinds)
{
    return (kinds & (ROWS_DENSE | ROWS_LAST)) == 0;
}

/* The kind that there is a row a step of; 0: none. */
static int32_t each(int32_t kinds)
{
    return kinds & (ROWS_STEPS | ROWS_DENSE);
}

bool rows_of_each_step(int32_t kinds)
{
    return each(kinds) != 0;
}

/* ---- layout ---- */

/* What a row of one kind holds, in the order of its blocks: Y0 first in either kind, which
 * rows_bind relies on. */
static int32_t list_registers(const solver *s, int32_t kind, int32_t *reg)
{
    if (kind != ROWS_STEPS) {
        return dense_registers(s, reg);
    }
    int32_t n = 0;
    reg[n++] = REG_Y0;
    for (int32_t i = 0; i < s->stepper->info.n_carry; i++) {
        reg[n++] = reg_carry_in(s->stepper, i);
    }
    reg[n++] = STEP_SLOTS;
    return n;
}

/* Of one row of a block: T and H, or a vector of the state. */
static int64_t element_bytes(const solver *s, int32_t reg)
{
    return reg == STEP_SLOTS ? (int64_t)(2 * sizeof(double))
                             : s->task.field->abi.n * odeon_dtype_bytes(s->task.field->abi.dtype);
}

/* Of rows of one kind. Blocks begin at multiples of 64 bytes; rows within a block do not. */
static int64_t bytes_of(const solver *s, int32_t kind, int64_t rows)
{
    int32_t reg[1 + ODEON_MAX_STAGES], n = list_registers(s, kind, reg);
    int64_t bytes = 0;
    for (int32_t i = 0; i < n; i++) {
        bytes += workspace_aligned(rows * element_bytes(s, reg[i]));
    }
    return bytes;
}

/* Of the row of the last step alone. */
static int64_t bytes_of_last(const solver *s, int32_t kinds)
{
    return (kinds & ROWS_LAST) != 0 ? bytes_of(s, ROWS_LAST, 1) : 0;
}

int64_t rows_bytes(const solver *s, int32_t kinds, int64_t rows)
{
    return bytes_of_last(s, kinds) + (each(kinds) != 0 ? bytes_of(s, each(kinds), rows) : 0);
}

/* What rounding up to 64 bytes may add to the blocks of many rows. */
static int64_t spare_bytes(const solver *s, int32_t kinds)
{
    int32_t reg[1 + ODEON_MAX_STAGES];
    return each(kinds) != 0 ? 64 * (int64_t)list_registers(s, each(kinds), reg) : 0;
}

/* From the memory that there is, so that a larger solve of before serves a smaller one. What
 * rounding may take is left out, so that the number is never too large. */
int64_t rows_capacity(const solver *s, int32_t kinds)
{
    int32_t reg[1 + ODEON_MAX_STAGES];
    int64_t left = s->device.rows.bytes - bytes_of_last(s, kinds) - spare_bytes(s, kinds), row = 0;
    if (left < 0 || each(kinds) == 0) {
        return left < 0 ? 0 : 1;
    }
    int32_t n = list_registers(s, each(kinds), reg);
    for (int32_t i = 0; i < n; i++) {
        row += element_bytes(s, reg[i]);
    }
    return left / (row > 0 ? row : 1);
}

/* Room for at least so many. */
odeon_status rows_fit(solver *s, int32_t kinds, int64_t rows)
{
    int64_t bytes = rows_bytes(s, kinds, rows) + spare_bytes(s, kinds);
    return buffer_fit(s->lane->device, &s->device.rows, bytes);
}

/* T and H, which stand next to each other. */
static odeon_tensor step_slots(const solver *s)
{
    return (odeon_tensor){.view.data = s->slots + ODEON_SLOT_T,
                          .view.shape.dim = {2},
                          .view.shape.ndim = 1,
                          .view.shape.dtype = ODEON_DTYPE_F64};
}

/* Lays out one of kinds. The row of the last step comes before the blocks of the others. */
static void lay_out(const solver *s, int32_t kinds, int32_t kind, row_set *set)
{
    bool last = kind == ROWS_LAST;
    int64_t rows = last ? 1 : rows_capacity(s, kinds);
    char *at = s->device.rows.data + (last ? 0 : bytes_of_last(s, kinds));
    set->n = list_registers(s, kind, set->reg);
    for (int32_t i = 0; i < set->n; i++) {
        int32_t reg = set->reg[i];
        set->x[i] = reg == STEP_SLOTS ? step_slots(s) : vector_tensor(s, s->step.value[reg]);
        set->rows[i] = (odeon_tensor){.view.data = at,
                                      .view.shape.dim = {rows, set->x[i].view.shape.dim[0]},
                                      .view.shape.ndim = 2,
                                      .view.shape.dtype = set->x[i].view.shape.dtype};
        at += workspace_aligned(rows * element_bytes(s, reg));
        set->x_of[i] = &set->x[i];
        set->x_views[i] = &set->x[i].view;
        set->rows_of[i] = &set->rows[i];
        set->rows_views[i] = &set->rows[i].view;
    }
}

/* Nothing where this kind is not kept. */
static odeon_status store(const solver *s, int32_t kinds, int32_t kind, int32_t slot)
{
    row_set set;
    if ((kinds & kind) == 0) {
        return ODEON_OK;
    }
    lay_out(s, kinds, kind, &set);
    return ODEON_DO(s->lane->device, solver, row_store, s->lane->queue, .n = set.n,
                    .x = set.x_views, .y = set.rows_of, .slots = s->slots, .slot = slot);
}

/* The one row of the last step is written at row STOP: 0 as long as the solve goes on, and out of
 * range, so that nothing is stored, for steps that a chunk still tries behind the end. */
odeon_status rows_store(const solver *s, int32_t kinds)
{
    ODEON_TRY(store(s, kinds, ROWS_STEPS, ODEON_SLOT_STEPS));
    ODEON_TRY(store(s, kinds, ROWS_DENSE, ODEON_SLOT_STEPS));
    return store(s, kinds, ROWS_LAST, ODEON_SLOT_STOP);
}

/* Into the registers that are bound, which are the fixed vectors. */
odeon_status rows_load(const solver *s, int32_t kinds)
{
    row_set set;
    lay_out(s, kinds, ROWS_STEPS, &set);
    return ODEON_DO(s->lane->device, solver, row_load, s->lane->queue, .n = set.n,
                    .y = set.rows_views, .x = set.x_of, .slots = s->slots, .slot = ODEON_SLOT_ROW);
}

/* Borrowed: no owner is to release it. */
static bound_vector row_of(const solver *s, const row_set *set, int32_t i, int64_t row)
{
    char *block = odeon_write(&set->rows[i]);
    return (bound_vector){.data = block + row * element_bytes(s, set->reg[i])};
}

/* Y1 of a step is Y0 of the next row. Of the last row, and of a row kept alone, there is no next
 * one: the caller knows where that end is. */
void rows_bind(solver *s, int32_t kinds, int64_t row)
{
    row_set set;
    bool last = (kinds & ROWS_LAST) != 0;
    lay_out(s, kinds, last ? ROWS_LAST : ROWS_DENSE, &set);
    for (int32_t i = 0; i < set.n; i++) {
        s->step.value[set.reg[i]] = row_of(s, &set, i, last ? 0 : row);
    }
    bool more = !last && row + 1 < set.rows[0].view.shape.dim[0];
    s->step.value[REG_Y1] = more ? row_of(s, &set, 0, row + 1) : (bound_vector){0};
}

/* ---- fixed vectors ---- */

bound_vector fixed_vector(const solver *s, int32_t i)
{
    return (bound_vector){.data = s->device.state.data + i * s->memory.vector_bytes};
}

/* Twice: values of Y0 and carry in, then cotangents of Y1 and carry out. */
static int64_t fixed_bytes(const solver *s)
{
    return 2 * (1 + s->stepper->info.n_carry) * s->memory.vector_bytes;
}

odeon_status fixed_vectors_fit(solver *s)
{
    return buffer_fit(s->lane->device, &s->device.state, fixed_bytes(s));
}

bool fixed_vectors_are_there(const solver *s)
{
    return s->device.state.data != NULL && s->device.state.bytes >= fixed_bytes(s);
}

void fixed_vectors_bind(solver *s)
{
    s->step.value[REG_Y0] = fixed_vector(s, 0);
    for (int32_t i = 0; i < s->stepper->info.n_carry; i++) {
        s->step.value[reg_carry_in(s->stepper, i)] = fixed_vector(s, 1 + i);
    }
}
