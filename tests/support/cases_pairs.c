#include <math.h>

#include "device_cases.h"
#include "odeon/device_solver.h"

/* Pairs of tensors that are copied, or not, as a slot says: whatever is in them, to the bit. */

/* Sizes of the pairs of a call, and whether each has the other dtype than the one under test. */
typedef struct pairs_case {
    int32_t n;
    int64_t size[5];
    int32_t other[5];
} pairs_case;

static const pairs_case pairs_table[] = {
    {0, {0}, {0}},
    {1, {1}, {0}},
    {1, {4096}, {0}},
    {1, {0}, {0}},
    {2, {7, 7}, {0}},
    {3, {1031, 2, 5000}, {0, 1, 0}},
    {4, {3, 0, 64, 1}, {1, 0, 1, 1}},
    {5, {5, 16, 33, 2, 129}, {0}},
};
enum { N_PAIRS = sizeof pairs_table / sizeof *pairs_table };

static uint32_t dtype_of(const case_run *run, int32_t other)
{
    uint32_t turned = case_dtype(run) == ODEON_DTYPE_F32 ? ODEON_DTYPE_F64 : ODEON_DTYPE_F32;
    return other ? turned : case_dtype(run);
}

/* Slots that are numbers but for one. */
static double *slots_with(case_run *run, int32_t slot, double value)
{
    double values[ODEON_SLOTS];
    for (int32_t i = 0; i < ODEON_SLOTS; i++) {
        values[i] = case_number(run);
    }
    values[slot] = value;
    return case_slots(run, values);
}

/* Tensors, and where they are to be read and to be written. */
typedef struct list {
    odeon_tensor x[ODEON_MAX_STAGES];
    const odeon_view *from[ODEON_MAX_STAGES];
    const odeon_tensor *to[ODEON_MAX_STAGES];
} list;

static void point(list *l)
{
    for (int32_t i = 0; i < ODEON_MAX_STAGES; i++) {
        l->from[i] = &l->x[i].view;
        l->to[i] = &l->x[i];
    }
}

static void choose(case_run *run, int32_t n, const list *x, const list *y, double value)
{
    const double *slots = slots_with(run, ODEON_SLOT_ACCEPT, value);
    case_do(run, solver, select, .n = n, .x = x->from, .y = y->to, .slots = slots,
            .slot = ODEON_SLOT_ACCEPT);
}

static void keep_all(case_run *run, int32_t n, const list *l)
{
    for (int32_t i = 0; i < n; i++) {
        case_keep_each(run, "y", &l->x[i].view);
    }
}

static void run_select(case_run *run)
{
    static const double values[] = {1.0, 0.0, -0.0, -0.5, 1e-300, (double)NAN};
    list x, y;
    point(&x);
    point(&y);
    for (int32_t i = 0; i < N_PAIRS; i++) {
        const pairs_case *c = &pairs_table[i];
        for (int32_t k = 0; k < 6; k++) {
            case_variant(run, "%d pairs, row %d of the table, %g", (int)c->n, (int)i, values[k]);
            for (int32_t p = 0; p < c->n; p++) {
                uint32_t dtype = dtype_of(run, c->other[p]);
                x.x[p] = case_random_as(run, dtype, shape1(c->size[p]));
                y.x[p] = case_random_as(run, dtype, shape1(c->size[p]));
            }
            choose(run, c->n, &x, &y, values[k]);
            keep_all(run, c->n, &y);
        }
    }
}

static void run_select_of_many(case_run *run)
{
    enum { MANY = 28, SIZE = 70 }; /* as many as a variant has room for */
    list x, y;
    point(&x);
    point(&y);
    case_variant(run, "%d pairs", (int)MANY);
    for (int32_t p = 0; p < MANY; p++) {
        x.x[p] = case_random(run, shape2(SIZE, 2));
        y.x[p] = case_output(run, shape1(2 * SIZE));
    }
    choose(run, MANY, &x, &y, 1.0);
    keep_all(run, MANY, &y);
    case_variant(run, "as many pairs as there may be");
    odeon_tensor all = case_random(run, shape1(ODEON_MAX_STAGES * SIZE));
    odeon_tensor to = case_output(run, shape1(ODEON_MAX_STAGES * SIZE));
    for (int32_t p = 0; p < ODEON_MAX_STAGES; p++) {
        uint64_t at = (uint64_t)(p * SIZE * odeon_dtype_bytes(all.view.shape.dtype));
        x.x[p] = all;
        y.x[p] = to;
        x.x[p].view.shape.dim[0] = y.x[p].view.shape.dim[0] = SIZE;
        x.x[p].view.byte_offset += at;
        y.x[p].view.byte_offset += at;
    }
    choose(run, ODEON_MAX_STAGES, &x, &y, 1.0);
    case_keep_each(run, "y", &to.view);
}

/* A cycle of three, a chain, and a pair that is one tensor. */
static void run_select_in_place(case_run *run)
{
    static const int64_t sizes[] = {1, 7, 64, 1031, 100000};
    list x, y;
    point(&x);
    point(&y);
    for (int32_t i = 0; i < 5; i++) {
        odeon_tensor t[4];
        case_variant(run, "a cycle of %d", (int)sizes[i]);
        for (int32_t p = 0; p < 3; p++) {
            t[p] = case_random(run, shape1(sizes[i]));
        }
        for (int32_t p = 0; p < 3; p++) {
            x.x[p] = t[p];
            y.x[p] = t[(p + 1) % 3];
        }
        choose(run, 3, &x, &y, 1.0);
        keep_all(run, 3, &y);
        case_variant(run, "a chain of %d", (int)sizes[i]);
        for (int32_t p = 0; p < 4; p++) {
            t[p] = case_random(run, shape1(sizes[i]));
        }
        for (int32_t p = 0; p < 3; p++) {
            x.x[p] = t[p];
            y.x[p] = t[p + 1];
        }
        choose(run, 3, &x, &y, 1.0);
        keep_all(run, 3, &y);
        case_variant(run, "one tensor of %d", (int)sizes[i]);
        x.x[0] = y.x[0] = case_random(run, shape1(sizes[i]));
        choose(run, 1, &x, &y, 1.0);
        keep_all(run, 1, &y);
    }
}

/* Two that change places, of which the one that is read is longer. */
static void run_select_of_parts(case_run *run)
{
    list x, y;
    point(&x);
    point(&y);
    case_variant(run, "the beginnings of two");
    x.x[0] = y.x[1] = case_random(run, shape1(5000));
    x.x[1] = y.x[0] = case_random(run, shape1(5000));
    x.x[0].view.shape.dim[0] = y.x[0].view.shape.dim[0] = 600;
    x.x[1].view.shape.dim[0] = y.x[1].view.shape.dim[0] = 77;
    choose(run, 2, &x, &y, 1.0);
    y.x[0].view.shape.dim[0] = y.x[1].view.shape.dim[0] = 5000;
    keep_all(run, 2, &y);
}

static const double special[] = {(double)NAN, HUGE_VAL, -HUGE_VAL, -0.0, 1e-42, 1.0};

static void run_select_of_what_is_not_finite(case_run *run)
{
    list x, y;
    point(&x);
    point(&y);
    case_variant(run, "special numbers");
    case_expect_nonfinite(run);
    x.x[0] = case_values(run, shape1(6), special);
    y.x[0] = case_random(run, shape1(6));
    choose(run, 1, &x, &y, 1.0);
    keep_all(run, 1, &y);
}

/* ---- rows ---- */

/* What may stand in a slot, for 5 rows. */
static const double row_numbers[] = {0.0,  2.0, 4.0,   5.0,      -1.0,      1.5,
                                     -0.0, 0.5, 1e300, HUGE_VAL, -HUGE_VAL, (double)NAN};
enum { N_NUMBERS = sizeof row_numbers / sizeof *row_numbers, ROWS = 5 };

static void store(case_run *run, int32_t n, const list *x, const list *rows, const double *slots,
                  int32_t slot)
{
    case_do(run, solver, row_store, .n = n, .x = x->from, .y = rows->to, .slots = slots,
            .slot = slot);
}

static void load(case_run *run, int32_t n, const list *rows, const list *x, const double *slots,
                 int32_t slot)
{
    case_do(run, solver, row_load, .n = n, .y = rows->from, .x = x->to, .slots = slots,
            .slot = slot);
}

static void move_rows(case_run *run, bool loads, const pairs_case *c, double number)
{
    list x, rows;
    const double *slots = slots_with(run, ODEON_SLOT_ROW, number);
    point(&x);
    point(&rows);
    for (int32_t p = 0; p < c->n; p++) {
        uint32_t dtype = dtype_of(run, c->other[p]);
        x.x[p] = case_random_as(run, dtype, shape1(c->size[p]));
        rows.x[p] = case_random_as(run, dtype, shape2(ROWS, c->size[p]));
    }
    if (loads) {
        load(run, c->n, &rows, &x, slots, ODEON_SLOT_ROW);
    } else {
        store(run, c->n, &x, &rows, slots, ODEON_SLOT_ROW);
    }
    keep_all(run, c->n, loads ? &x : &rows);
}

static void run_rows(case_run *run, bool loads)
{
    for (int32_t i = 0; i < N_PAIRS; i++) {
        for (int32_t k = 0; k < N_NUMBERS; k++) {
            case_variant(run, "%d pairs, row %d of the table, %g", (int)pairs_table[i].n, (int)i,
                         row_numbers[k]);
            move_rows(run, loads, &pairs_table[i], row_numbers[k]);
        }
    }
}

static void run_row_store(case_run *run)
{
    run_rows(run, false);
}

static void run_row_load(case_run *run)
{
    run_rows(run, true);
}

/* T and H go with a state to a row, and come back. */
static void run_rows_of_slots(case_run *run)
{
    list x, rows;
    double values[ODEON_SLOTS] = {[ODEON_SLOT_T] = 0.25, [ODEON_SLOT_H] = -3.0};
    point(&x);
    point(&rows);
    case_variant(run, "T and H");
    values[ODEON_SLOT_STEPS] = 3.0;
    double *slots = case_slots(run, values);
    x.x[0] = case_random(run, shape1(33));
    x.x[1] = odeon_tensor_at(slots + ODEON_SLOT_T,
                             (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {2}});
    rows.x[0] = case_random(run, shape2(ROWS, 33));
    rows.x[1] = case_random_as(run, ODEON_DTYPE_F64, shape2(ROWS, 2));
    store(run, 2, &x, &rows, slots, ODEON_SLOT_STEPS);
    keep_all(run, 2, &rows);
    values[0] = 2.0;
    case_do(run, solver, slots_write, .slots = slots, .first = ODEON_SLOT_STEPS, .n = 1,
            .values = values);
    load(run, 2, &rows, &x, slots, ODEON_SLOT_STEPS);
    case_keep_each(run, "state", &x.x[0].view);
    case_keep_slots(run, "T and H", slots, ODEON_SLOT_T, 2);
    case_keep_slots(run, "row", slots, ODEON_SLOT_STEPS, 1);
}

static void run_rows_of_what_is_not_finite(case_run *run)
{
    list x, rows;
    point(&x);
    point(&rows);
    case_variant(run, "special numbers");
    case_expect_nonfinite(run);
    const double *slots = slots_with(run, ODEON_SLOT_ROW, 1.0);
    x.x[0] = case_values(run, shape1(6), special);
    rows.x[0] = case_output(run, shape2(2, 6));
    store(run, 1, &x, &rows, slots, ODEON_SLOT_ROW);
    keep_all(run, 1, &rows);
    load(run, 1, &rows, &x, slots, ODEON_SLOT_ROW);
    keep_all(run, 1, &x);
}

static void run_rows_of_none(case_run *run)
{
    list x, rows;
    point(&x);
    point(&rows);
    case_variant(run, "no rows");
    const double *slots = slots_with(run, ODEON_SLOT_ROW, 0.0);
    x.x[0] = case_random(run, shape1(6));
    rows.x[0] = case_random(run, shape2(0, 6));
    store(run, 1, &x, &rows, slots, ODEON_SLOT_ROW);
    load(run, 1, &rows, &x, slots, ODEON_SLOT_ROW);
    keep_all(run, 1, &x);
}

const device_case pairs_cases[] = {
    {"select", run_select},
    {"select of many pairs", run_select_of_many},
    {"select in place", run_select_in_place},
    {"select of parts", run_select_of_parts},
    {"select of what is not finite", run_select_of_what_is_not_finite},
    {"row_store", run_row_store},
    {"row_load", run_row_load},
    {"rows of slots", run_rows_of_slots},
    {"rows of what is not finite", run_rows_of_what_is_not_finite},
    {"rows of none", run_rows_of_none},
    {NULL, NULL},
};
