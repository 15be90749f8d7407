/* What recorded solves keep of their steps: for each of a few vectors a block of one row a step,
 * written and read at a row that a slot names. */
#include "solver_loop.h"

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

/* Blocks begin at multiples of 64 bytes. */
int64_t solver_rows_bytes(const solver *s, int32_t kind, int64_t rows)
{
    int32_t place[ODEON_MAX_STAGES];
    int64_t bytes = 0;
    int32_t n = kind == ROWS_NONE ? 0 : list_places(s, kind, place);
    for (int32_t i = 0; i < n; i++) {
        bytes += aligned(rows * element_bytes(s, place[i]));
    }
    return bytes;
}

int64_t solver_rows_capacity(const solver *s, int32_t kind)
{
    int32_t place[ODEON_MAX_STAGES];
    int64_t row = 0, spare = 0;
    if (kind == ROWS_LAST) {
        return solver_rows_bytes(s, kind, 1) <= s->piece.rows.bytes ? 1 : 0;
    }
    int32_t n = list_places(s, kind, place);
    for (int32_t i = 0; i < n; i++) {
        row += element_bytes(s, place[i]);
        spare += 63;
    }
    return s->piece.rows.bytes > spare ? (s->piece.rows.bytes - spare) / row : 0;
}

odeon_status solver_rows_fit(solver *s, int32_t kind, int64_t rows)
{
    int32_t place[ODEON_MAX_STAGES], n = list_places(s, kind, place);
    int64_t bytes = solver_rows_bytes(s, kind, rows) + 64 * n;
    return room_fit(s->site->device, &s->piece.rows, bytes);
}

/* Where row 0 of each block is. */
static void lay_out(const solver *s, int32_t kind, row_set *set)
{
    int64_t rows = solver_rows_capacity(s, kind);
    char *at = s->piece.rows.data;
    set->n = list_places(s, kind, set->place);
    for (int32_t i = 0; i < set->n; i++) {
        int32_t place = set->place[i];
        set->x[i] = place < 0 ? (odeon_tensor){.data = s->slots + ODEON_SLOT_T,
                                               .dim = {2},
                                               .ndim = 1,
                                               .dtype = ODEON_DTYPE_F64}
                              : solver_vector(s, s->at[place]);
        set->rows[i] = (odeon_tensor){
            .data = at, .dim = {rows, set->x[i].dim[0]}, .ndim = 2, .dtype = set->x[i].dtype};
        at += aligned(rows * element_bytes(s, place));
        set->x_of[i] = &set->x[i];
        set->rows_of[i] = &set->rows[i];
    }
}

/* The last step's row is the one row 0 as long as STOP is 0; what is tried behind the end is out of
 * its range. */
odeon_status solver_rows_store(const solver *s, int32_t kind)
{
    row_set set;
    if (kind == ROWS_NONE) {
        return ODEON_OK;
    }
    lay_out(s, kind, &set);
    return s->site->device->ops->row_store(s->site->queue, set.n, set.x_of, set.rows_of, s->slots,
                                           kind == ROWS_LAST ? ODEON_SLOT_STOP : ODEON_SLOT_STEPS);
}

odeon_status solver_rows_load(const solver *s)
{
    row_set set;
    lay_out(s, ROWS_STEPS, &set);
    return s->site->device->ops->row_load(s->site->queue, set.n, set.rows_of, set.x_of, s->slots,
                                          ODEON_SLOT_ROW);
}

void solver_rows_place(solver *s, int32_t kind, int64_t row)
{
    row_set set;
    lay_out(s, kind, &set);
    for (int32_t i = 0; i < set.n; i++) {
        char *block = set.rows[i].data;
        s->at[set.place[i]] = (held){.data = block + row * element_bytes(s, set.place[i])};
    }
}

held solver_rows_start(const solver *s, int64_t row)
{
    return (held){.data = s->piece.rows.data + row * element_bytes(s, PLACE_Y0)};
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
    return room_fit(s->site->device, &s->piece.state, fixed_bytes(s));
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
