/* What recorded solves keep of their steps: for each of a few vectors a block of one row a step,
 * written and read at a row that a slot names. */
#include "solver/captured_adaptive.h"

/* Pairs of what stands at a place and the rows of it. */
typedef struct row_set {
    int32_t n, place[ODEON_MAX_STAGES]; /* -1: T and H */
    odeon_tensor x[ODEON_MAX_STAGES], rows[ODEON_MAX_STAGES];
    const odeon_tensor *x_of[ODEON_MAX_STAGES], *rows_of[ODEON_MAX_STAGES];
} row_set;

static int64_t aligned(int64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static int32_t list_places(const solver *s, int32_t kind, int32_t *place)
{
    double weights[ODEON_MAX_STAGES];
    int32_t n = 0;
    place[n++] = PLACE_Y0;
    if (kind != ROWS_STEPS) {
        return n + stepper_dense(s->stepper, 1.0, place + n, weights);
    }
    for (int32_t i = 0; i < s->stepper->info.n_carry; i++) {
        place[n++] = place_carry_in(s->stepper, i);
    }
    place[n++] = -1;
    return n;
}

static int64_t element_bytes(const solver *s, int32_t place)
{
    return place < 0 ? (int64_t)(2 * sizeof(double))
                     : s->field->abi.n * odeon_dtype_bytes(s->field->abi.dtype);
}

/* Of one kind. Blocks begin at multiples of 64 bytes. */
static int64_t bytes_of(const solver *s, int32_t kind, int64_t rows)
{
    int32_t place[ODEON_MAX_STAGES], n = list_places(s, kind, place);
    int64_t bytes = 0;
    for (int32_t i = 0; i < n; i++) {
        bytes += aligned(rows * element_bytes(s, place[i]));
    }
    return bytes;
}

/* The kind that there is a row a step of; 0: none. */
static int32_t each(int32_t kinds)
{
    return kinds & (ROWS_STEPS | ROWS_DENSE);
}

static int64_t bytes_of_last(const solver *s, int32_t kinds)
{
    return (kinds & ROWS_LAST) != 0 ? bytes_of(s, ROWS_LAST, 1) : 0;
}

int64_t solver_rows_bytes(const solver *s, int32_t kinds, int64_t rows)
{
    return bytes_of_last(s, kinds) + (each(kinds) != 0 ? bytes_of(s, each(kinds), rows) : 0);
}

/* By which the blocks of many rows may exceed their rows. */
static int64_t spare_bytes(const solver *s, int32_t kinds)
{
    int32_t place[ODEON_MAX_STAGES];
    return each(kinds) != 0 ? 64 * (int64_t)list_places(s, each(kinds), place) : 0;
}

int64_t solver_rows_capacity(const solver *s, int32_t kinds)
{
    int32_t place[ODEON_MAX_STAGES];
    int64_t left = s->piece.rows.bytes - bytes_of_last(s, kinds) - spare_bytes(s, kinds), row = 0;
    if (left < 0 || each(kinds) == 0) {
        return left < 0 ? 0 : 1;
    }
    int32_t n = list_places(s, each(kinds), place);
    for (int32_t i = 0; i < n; i++) {
        row += element_bytes(s, place[i]);
    }
    return left / (row > 0 ? row : 1);
}

odeon_status solver_rows_fit(solver *s, int32_t kinds, int64_t rows)
{
    int64_t bytes = solver_rows_bytes(s, kinds, rows) + spare_bytes(s, kinds);
    return buffer_fit(s->lane->device, &s->piece.rows, bytes);
}

static odeon_tensor step_slots(const solver *s)
{
    return (odeon_tensor){
        .data = s->slots + ODEON_SLOT_T, .dim = {2}, .ndim = 1, .dtype = ODEON_DTYPE_F64};
}

/* One of kinds. The last row stands in front of the others. */
static void lay_out(const solver *s, int32_t kinds, int32_t kind, row_set *set)
{
    bool last = kind == ROWS_LAST;
    int64_t rows = last ? 1 : solver_rows_capacity(s, kinds);
    char *at = s->piece.rows.data + (last ? 0 : bytes_of_last(s, kinds));
    set->n = list_places(s, kind, set->place);
    for (int32_t i = 0; i < set->n; i++) {
        int32_t place = set->place[i];
        set->x[i] = place < 0 ? step_slots(s) : solver_vector(s, s->at[place]);
        set->rows[i] = (odeon_tensor){
            .data = at, .dim = {rows, set->x[i].dim[0]}, .ndim = 2, .dtype = set->x[i].dtype};
        at += aligned(rows * element_bytes(s, place));
        set->x_of[i] = &set->x[i];
        set->rows_of[i] = &set->rows[i];
    }
}

static odeon_status store(const solver *s, int32_t kinds, int32_t kind, int32_t slot)
{
    row_set set;
    if ((kinds & kind) == 0) {
        return ODEON_OK;
    }
    lay_out(s, kinds, kind, &set);
    return s->lane->device->ops->row_store(s->lane->queue, set.n, set.x_of, set.rows_of, s->slots,
                                           slot);
}

/* The last step's row is the one row 0 as long as STOP is 0; what is tried behind the end is out of
 * its range. */
odeon_status solver_rows_store(const solver *s, int32_t kinds)
{
    ODEON_TRY(store(s, kinds, ROWS_STEPS, ODEON_SLOT_STEPS));
    ODEON_TRY(store(s, kinds, ROWS_DENSE, ODEON_SLOT_STEPS));
    return store(s, kinds, ROWS_LAST, ODEON_SLOT_STOP);
}

odeon_status solver_rows_load(const solver *s, int32_t kinds)
{
    row_set set;
    lay_out(s, kinds, ROWS_STEPS, &set);
    return s->lane->device->ops->row_load(s->lane->queue, set.n, set.rows_of, set.x_of, s->slots,
                                          ODEON_SLOT_ROW);
}

static held row_of(const solver *s, const row_set *set, int32_t i, int64_t row)
{
    char *block = set->rows[i].data;
    return (held){.data = block + row * element_bytes(s, set->place[i])};
}

void solver_rows_place(solver *s, int32_t kinds, int64_t row)
{
    row_set set;
    bool last = (kinds & ROWS_LAST) != 0;
    lay_out(s, kinds, last ? ROWS_LAST : ROWS_DENSE, &set);
    for (int32_t i = 0; i < set.n; i++) {
        s->at[set.place[i]] = row_of(s, &set, i, last ? 0 : row);
    }
    bool more = !last && row + 1 < set.rows[0].dim[0];
    s->at[PLACE_Y1] = more ? row_of(s, &set, 0, row + 1) : (held){0};
}

/* ---- where a solve in one piece stands ---- */

held solver_fixed(const solver *s, int32_t i)
{
    return (held){.data = s->piece.state.data + i * s->vec_bytes};
}

static int64_t fixed_bytes(const solver *s)
{
    return 2 * (1 + s->stepper->info.n_carry) * s->vec_bytes;
}

odeon_status solver_fixed_fit(solver *s)
{
    return buffer_fit(s->lane->device, &s->piece.state, fixed_bytes(s));
}

bool solver_fixed_fits(const solver *s)
{
    return s->piece.state.data != NULL && s->piece.state.bytes >= fixed_bytes(s);
}

void solver_stand(solver *s)
{
    s->at[PLACE_Y0] = solver_fixed(s, 0);
    for (int32_t i = 0; i < s->stepper->info.n_carry; i++) {
        s->at[place_carry_in(s->stepper, i)] = solver_fixed(s, 1 + i);
    }
}
