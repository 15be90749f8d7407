#include <math.h>

#include "device_cases.h"

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

static int32_t dtype_of(const case_run *run, int32_t other)
{
    int32_t turned = case_dtype(run) == ODEON_DTYPE_F32 ? ODEON_DTYPE_F64 : ODEON_DTYPE_F32;
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

typedef struct list {
    odeon_tensor x[ODEON_MAX_STAGES];
    const odeon_tensor *pointers[ODEON_MAX_STAGES];
} list;

static void point(list *l)
{
    for (int32_t i = 0; i < ODEON_MAX_STAGES; i++) {
        l->pointers[i] = &l->x[i];
    }
}

static void choose(case_run *run, int32_t n, const list *x, const list *y, double value)
{
    const double *slots = slots_with(run, ODEON_SLOT_ACCEPT, value);
    case_check(run, case_ops(run)->select(case_queue(run), n, x->pointers, y->pointers, slots,
                                          ODEON_SLOT_ACCEPT));
}

static void keep_all(case_run *run, int32_t n, const list *l)
{
    for (int32_t i = 0; i < n; i++) {
        case_keep_each(run, "y", &l->x[i]);
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
                int32_t dtype = dtype_of(run, c->other[p]);
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
        int64_t at = p * SIZE * odeon_dtype_bytes(all.dtype);
        x.x[p] = y.x[p] = all;
        x.x[p].dim[0] = y.x[p].dim[0] = SIZE;
        x.x[p].data = (char *)all.data + at;
        y.x[p].data = (char *)to.data + at;
    }
    choose(run, ODEON_MAX_STAGES, &x, &y, 1.0);
    case_keep_each(run, "y", &to);
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
    x.x[0].dim[0] = y.x[0].dim[0] = 600;
    x.x[1].dim[0] = y.x[1].dim[0] = 77;
    choose(run, 2, &x, &y, 1.0);
    y.x[0].dim[0] = y.x[1].dim[0] = 5000;
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

typedef odeon_status row_operator(odeon_queue *queue, int32_t n, const odeon_tensor *const *from,
                                  const odeon_tensor *const *to, const double *slots, int32_t slot);

/* Stores, or loads where the operator is row_load. */
static void move_rows(case_run *run, bool load, const pairs_case *c, double number)
{
    list x, rows;
    const double *slots = slots_with(run, ODEON_SLOT_ROW, number);
    point(&x);
    point(&rows);
    for (int32_t p = 0; p < c->n; p++) {
        int32_t dtype = dtype_of(run, c->other[p]);
        x.x[p] = case_random_as(run, dtype, shape1(c->size[p]));
        rows.x[p] = case_random_as(run, dtype, shape2(ROWS, c->size[p]));
    }
    row_operator *run_it = load ? case_ops(run)->row_load : case_ops(run)->row_store;
    case_check(run, run_it(case_queue(run), c->n, load ? rows.pointers : x.pointers,
                           load ? x.pointers : rows.pointers, slots, ODEON_SLOT_ROW));
    keep_all(run, c->n, load ? &x : &rows);
}

static void run_rows(case_run *run, bool load)
{
    for (int32_t i = 0; i < N_PAIRS; i++) {
        for (int32_t k = 0; k < N_NUMBERS; k++) {
            case_variant(run, "%d pairs, row %d of the table, %g", (int)pairs_table[i].n, (int)i,
                         row_numbers[k]);
            move_rows(run, load, &pairs_table[i], row_numbers[k]);
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
    x.x[1] = (odeon_tensor){
        .data = slots + ODEON_SLOT_T, .dtype = ODEON_DTYPE_F64, .ndim = 1, .dim = {2}};
    rows.x[0] = case_random(run, shape2(ROWS, 33));
    rows.x[1] = case_random_as(run, ODEON_DTYPE_F64, shape2(ROWS, 2));
    case_check(run, case_ops(run)->row_store(case_queue(run), 2, x.pointers, rows.pointers, slots,
                                             ODEON_SLOT_STEPS));
    keep_all(run, 2, &rows);
    values[0] = 2.0;
    case_check(run,
               case_ops(run)->slots_write(case_queue(run), slots, ODEON_SLOT_STEPS, 1, values));
    case_check(run, case_ops(run)->row_load(case_queue(run), 2, rows.pointers, x.pointers, slots,
                                            ODEON_SLOT_STEPS));
    case_keep_each(run, "state", &x.x[0]);
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
    case_check(run, case_ops(run)->row_store(case_queue(run), 1, x.pointers, rows.pointers, slots,
                                             ODEON_SLOT_ROW));
    keep_all(run, 1, &rows);
    case_check(run, case_ops(run)->row_load(case_queue(run), 1, rows.pointers, x.pointers, slots,
                                            ODEON_SLOT_ROW));
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
    case_check(run, case_ops(run)->row_store(case_queue(run), 1, x.pointers, rows.pointers, slots,
                                             ODEON_SLOT_ROW));
    case_check(run, case_ops(run)->row_load(case_queue(run), 1, rows.pointers, x.pointers, slots,
                                            ODEON_SLOT_ROW));
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
