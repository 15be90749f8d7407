#include <math.h>

#include "device_cases.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"

static const int64_t sizes[] = {0, 1, 2, 7, 64, 1031};
enum { N_SIZES = sizeof sizes / sizeof *sizes };

static void run_copy(case_run *run)
{
    for (int32_t i = 0; i < N_SIZES; i++) {
        case_variant(run, "%d numbers", (int)sizes[i]);
        odeon_tensor x = case_random(run, shape1(sizes[i])), y = case_output(run, shape1(sizes[i]));
        case_do(run, move, copy, .x = &x.view, .y = &y);
        case_keep_each(run, "y", &y.view);
    }
    static const double numbers[] = {0, 1, 2, 250, 7, 9, 11};
    static const uint32_t dtypes[] = {ODEON_DTYPE_U8, ODEON_DTYPE_I64};
    for (int32_t i = 0; i < 2; i++) {
        case_variant(run, "dtype %u", dtypes[i]);
        odeon_tensor x = case_values_as(run, dtypes[i], shape1(7), numbers);
        odeon_tensor y = case_random_as(run, dtypes[i], shape1(7));
        case_do(run, move, copy, .x = &x.view, .y = &y);
        case_keep_each(run, "y", &y.view);
    }
}

static void run_copy_passes_on(case_run *run)
{
    const double values[] = {(double)NAN, HUGE_VAL, -HUGE_VAL, -0.0, 1e-42};
    case_variant(run, "special numbers");
    case_expect_nonfinite(run);
    odeon_tensor x = case_values(run, shape1(5), values), y = case_random(run, shape1(5));
    case_do(run, move, copy, .x = &x.view, .y = &y);
    case_keep_each(run, "y", &y.view);
}

/* Quarters, so that scale * x + shift is exact in either dtype and truncation is not in doubt. */
static void run_cast(case_run *run)
{
    static const uint32_t from[] = {ODEON_DTYPE_U8, ODEON_DTYPE_I64, ODEON_DTYPE_F32,
                                    ODEON_DTYPE_F64};
    static const double reals[] = {-7.25, 0.0, 3.75, 5.0, 5.5, 6.0, 6.25, 250.0, -0.25};
    static const double naturals[] = {0, 1, 2, 3, 4, 5, 128, 254, 255};
    for (int32_t i = 0; i < 4; i++) {
        for (int32_t k = 0; k < 2; k++) {
            const double *values = from[i] == ODEON_DTYPE_U8 ? naturals : reals;
            uint32_t to = k == 0 ? case_dtype(run) : ODEON_DTYPE_I64;
            case_variant(run, "from dtype %u to %s", from[i], k == 0 ? "real" : "integer");
            odeon_tensor x = case_values_as(run, from[i], shape1(9), values);
            odeon_tensor y = case_output_as(run, to, shape1(9));
            case_do(run, move, cast, .x = &x.view, .scale = 0.5, .shift = -3.0, .y = &y);
            case_keep_each(run, "y", &y.view);
        }
    }
    case_variant(run, "pixels");
    odeon_tensor x = case_values_as(run, ODEON_DTYPE_U8, shape1(9), naturals);
    odeon_tensor y = case_output(run, shape1(9));
    case_do(run, move, cast, .x = &x.view, .scale = 1.0 / 255.0, .y = &y);
    case_keep_each(run, "y", &y.view);
    case_variant(run, "nothing");
    x = case_values_as(run, ODEON_DTYPE_U8, shape2(0, 3), NULL);
    y = case_output(run, shape2(0, 3));
    case_do(run, move, cast, .x = &x.view, .scale = 1.0, .y = &y);
    case_keep(run, "y", &y.view);
}

static void run_cast_of_what_does_not_fit(case_run *run)
{
    const double values[] = {(double)NAN, HUGE_VAL, -HUGE_VAL, 1e30, -1e30, 0x1p63, 0x1p62};
    case_variant(run, "to integers");
    odeon_tensor x = case_values(run, shape1(7), values);
    odeon_tensor y = case_output_as(run, ODEON_DTYPE_I64, shape1(7));
    case_do(run, move, cast, .x = &x.view, .scale = 1.0, .y = &y);
    case_keep_each(run, "y", &y.view);
    case_variant(run, "to real");
    case_expect_nonfinite(run);
    x = case_values(run, shape1(7), values);
    odeon_tensor z = case_output(run, shape1(7));
    case_do(run, move, cast, .x = &x.view, .scale = 2.0, .shift = 1.0, .y = &z);
    case_keep_each(run, "y", &z.view);
}

/* Rows in any order, some of them more than once. */
static void gather_rows(case_run *run, const odeon_view *x, double scale, double shift,
                        uint32_t dtype, int64_t n, int64_t cols)
{
    double rows[64];
    for (int64_t i = 0; i < n; i++) {
        rows[i] = (double)((7 * i + 3) % x->shape.dim[0]);
    }
    odeon_tensor index = case_values_as(run, ODEON_DTYPE_I64, shape1(n), rows);
    odeon_tensor y = case_output_as(run, dtype, shape2(n, cols));
    case_do(run, move, gather, .x = x, .index = &index.view, .scale = scale, .shift = shift,
            .y = &y);
    case_keep_each(run, "y", &y.view);
}

static void run_gather(case_run *run)
{
    static const uint32_t from[] = {ODEON_DTYPE_U8, ODEON_DTYPE_I64, ODEON_DTYPE_F32,
                                    ODEON_DTYPE_F64};
    static const int64_t shapes[][3] = {{5, 1, 1}, {3, 4, 7}, {11, 64, 33}, {2, 0, 3}, {2, 3, 0}};
    double values[11 * 33];
    for (int i = 0; i < 11 * 33; i++) {
        values[i] = (double)(37 * i % 251);
    }
    for (int32_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
            int64_t stored = shapes[k][0], n = shapes[k][1], cols = shapes[k][2];
            case_variant(run, "%d of %d rows of %d of dtype %u", (int)n, (int)stored, (int)cols,
                         from[i]);
            odeon_tensor x = case_values_as(run, from[i], shape2(stored, cols), values);
            gather_rows(run, &x.view, 1.0 / 255.0, -0.5, case_dtype(run), n, cols);
            gather_rows(run, &x.view, 0.5, -3.0, ODEON_DTYPE_I64, n, cols);
            gather_rows(run, &x.view, 1.0, 0.0, case_dtype(run), n, cols);
            gather_rows(run, &x.view, 1.0, 0.0, ODEON_DTYPE_I64, n, cols);
        }
    }
}

static void run_gather_of_what_does_not_fit(case_run *run)
{
    const double values[] = {(double)NAN, HUGE_VAL, -HUGE_VAL, 1e30, -1e30, 0x1p62};
    case_variant(run, "to integers");
    odeon_tensor x = case_values(run, shape2(3, 2), values);
    gather_rows(run, &x.view, 1.0, 0.0, ODEON_DTYPE_I64, 5, 2);
    case_variant(run, "as they are");
    case_expect_nonfinite(run);
    x = case_values(run, shape2(3, 2), values);
    gather_rows(run, &x.view, 1.0, 0.0, case_dtype(run), 5, 2);
}

static void run_fill(case_run *run)
{
    for (int32_t i = 0; i < N_SIZES; i++) {
        case_variant(run, "%d numbers", (int)sizes[i]);
        odeon_tensor y = case_output(run, shape1(sizes[i]));
        odeon_scalar value = {.imm = -1.25, .scale = 5.0, .slot = -1};
        case_do(run, move, fill, .y = &y, .value = value);
        case_keep_each(run, "y", &y.view);
        case_variant(run, "%d numbers from a slot", (int)sizes[i]);
        const double *slots = case_slots(run, NULL);
        y = case_output(run, shape1(sizes[i]));
        value = (odeon_scalar){.imm = 0.5, .scale = -2.0, .slot = ODEON_SLOT_USER + 3};
        case_do(run, move, fill, .y = &y, .value = value, .slots = slots);
        case_keep_each(run, "y", &y.view);
    }
}

/* Rows of a wider tensor: what lies between and around them must stay. */
typedef struct rows_case {
    int64_t rows, cols, pitch, at, other_pitch, other_at;
} rows_case;

static const rows_case rows_cases[] = {
    {3, 5, 7, 1, 6, 0}, {1, 1, 1, 0, 1, 0},    {4, 1, 3, 2, 5, 4},     {5, 9, 9, 0, 9, 0},
    {0, 4, 7, 2, 4, 0}, {4, 0, 7, 2, 4, 0},    {2, 33, 65, 31, 40, 7}, {7, 64, 64, 0, 65, 1},
    {6, 4, 5, 1, 4, 0}, {3, 14, 15, 1, 14, 0}, {2, 31, 33, 1, 31, 0},  {2, 32, 32, 0, 33, 1},
};
enum { N_ROWS = sizeof rows_cases / sizeof *rows_cases };

static void run_copy2d(case_run *run)
{
    for (int32_t i = 0; i < N_ROWS; i++) {
        rows_case c = rows_cases[i];
        case_variant(run, "%d rows of %d", (int)c.rows, (int)c.cols);
        odeon_tensor x = case_random(run, shape1(c.rows * c.pitch + c.at));
        odeon_tensor y = case_random(run, shape1(c.rows * c.other_pitch + c.other_at));
        case_do(run, move, copy2d, .x = &x.view, .y = &y, .rows = c.rows, .cols = c.cols,
                .x_pitch = c.pitch, .x_at = c.at, .y_pitch = c.other_pitch, .y_at = c.other_at);
        case_keep_each(run, "y", &y.view);
    }
}

static void run_rows_fill(case_run *run)
{
    for (int32_t i = 0; i < 2 * N_ROWS; i++) {
        rows_case c = rows_cases[i / 2];
        int64_t n = i % 2 == 0 ? 1 : c.rows;
        case_variant(run, "%d rows of %d with %d", (int)c.rows, (int)c.cols, (int)n);
        odeon_tensor y = case_random(run, shape1(c.rows * c.pitch + c.at));
        odeon_tensor v = case_random_as(run, ODEON_DTYPE_F64, shape1(n));
        case_do(run, move, rows_fill, .y = &y, .rows = c.rows, .cols = c.cols, .pitch = c.pitch,
                .at = c.at, .v = &v.view);
        case_keep_each(run, "y", &y.view);
    }
}

static void run_rows_sum(case_run *run)
{
    for (int32_t i = 0; i < 2 * N_ROWS; i++) {
        rows_case c = rows_cases[i / 2];
        int64_t n = i % 2 == 0 ? 1 : c.rows;
        case_variant(run, "%d rows of %d to %d", (int)c.rows, (int)c.cols, (int)n);
        odeon_tensor x = case_random(run, shape1(c.rows * c.pitch + c.at));
        odeon_tensor v = case_random_as(run, ODEON_DTYPE_F64, shape1(n));
        case_do(run, move, rows_sum, .x = &x.view, .rows = c.rows, .cols = c.cols, .pitch = c.pitch,
                .at = c.at, .v = &v);
        case_keep(run, "v", &v.view);
    }
}

const device_case moving_cases[] = {
    {"copy", run_copy},
    {"copy of what is not finite", run_copy_passes_on},
    {"cast", run_cast},
    {"cast of what does not fit", run_cast_of_what_does_not_fit},
    {"gather", run_gather},
    {"gather of what does not fit", run_gather_of_what_does_not_fit},
    {"fill", run_fill},
    {"copy2d", run_copy2d},
    {"rows_fill", run_rows_fill},
    {"rows_sum", run_rows_sum},
    {NULL, NULL},
};
