/* ODEON_DEVICE_LANES: what is done to each row has the bits of the operator of a vector done to
 * that row alone, whoever else is in the call, and other rows and blocks stay as they were. */
#include <math.h>
#include <string.h>

#include "odeon/device_lanes.h"
#include "odeon/kit/step_control.h"
#include "plugin/registry.h"
#include "support.h"

enum { ROWS = 7, WIDTH = 21, ENTRIES = 4, TERMS = 3, BLOCKS = ROWS };

static const int32_t block[ENTRIES] = {5, 0, 6, 3}, row[ENTRIES] = {2, 6, 0, 4};

typedef struct fixture {
    support_device d;
    const odeon_device_lanes *ops;
    double slots[BLOCKS * ODEON_SLOTS];
    float y[ROWS * WIDTH], y0[ROWS * WIDTH], y1[ROWS * WIDTH], k[TERMS][ROWS * WIDTH];
    odeon_lanes lanes;
} fixture;

static void fill(float *x, uint64_t stream)
{
    for (int i = 0; i < ROWS * WIDTH; i++) {
        x[i] = (float)support_random(stream, (uint64_t)i) - 0.5f;
    }
}

static void open(fixture *f, registry *plugins, const char *device)
{
    f->d = support_device_open(plugins, device, ODEON_DTYPE_F32);
    f->ops = f->d.device->get_table(f->d.device, ODEON_DEVICE_LANES);
    assert_non_null(f->ops);
    assert_ptr_equal(f->ops->solver, f->d.device->solver);
    for (int i = 0; i < BLOCKS * ODEON_SLOTS; i++) {
        f->slots[i] = support_random(9, (uint64_t)i);
    }
    fill(f->y, 1);
    fill(f->y0, 2);
    fill(f->y1, 3);
    for (int k = 0; k < TERMS; k++) {
        fill(f->k[k], 4 + (uint64_t)k);
    }
    f->lanes = (odeon_lanes){.struct_size = sizeof f->lanes,
                             .slots = f->slots,
                             .block = block,
                             .row = row,
                             .n = ENTRIES};
}

static odeon_tensor rows_of(float *x)
{
    return odeon_tensor_at(
        x, (odeon_shape){.ndim = 2, .dtype = ODEON_DTYPE_F32, .dim = {ROWS, WIDTH}});
}

static odeon_tensor row_of(float *x, int64_t i)
{
    return odeon_tensor_at(x + i * WIDTH,
                           (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F32, .dim = {WIDTH}});
}

static const odeon_scalar by_h[TERMS] = {{.imm = 0.25, .scale = -1.5, .slot = ODEON_SLOT_H},
                                         {.scale = 0.75, .slot = ODEON_SLOT_H},
                                         {.imm = -2.0, .slot = -1}};

/* The plain operator, row by row, into expected. */
static void combine_alone(fixture *f, float *expected, bool based, int32_t n)
{
    for (int i = 0; i < ENTRIES; i++) {
        odeon_tensor y = row_of(expected, row[i]), base = row_of(f->y0, row[i]), x[TERMS];
        const odeon_view *pointers[TERMS];
        for (int k = 0; k < n; k++) {
            x[k] = row_of(f->k[k], row[i]);
            pointers[k] = &x[k].view;
        }
        assert_int_equal(ODEON_DO(f->d.device, solver, lincomb, f->d.queue, .y = &y,
                                  .base = based ? &base.view : NULL, .n = n, .x = pointers,
                                  .coefficient = by_h, .slots = f->slots + block[i] * ODEON_SLOTS),
                         ODEON_OK);
    }
}

static void check_lincomb(fixture *f, bool based, int32_t n)
{
    static float expected[ROWS * WIDTH];
    odeon_tensor y = rows_of(f->y), base = rows_of(f->y0), x[TERMS];
    const odeon_view *pointers[TERMS];
    for (int k = 0; k < n; k++) {
        x[k] = rows_of(f->k[k]);
        pointers[k] = &x[k].view;
    }
    memcpy(expected, f->y, sizeof expected);
    combine_alone(f, expected, based, n);
    const odeon_lanes_lincomb call = {.struct_size = sizeof call,
                                      .lanes = &f->lanes,
                                      .y = &y,
                                      .base = based ? &base.view : NULL,
                                      .x = pointers,
                                      .coefficient = by_h,
                                      .n = n};
    assert_int_equal(f->ops->lincomb(f->d.queue, &call), ODEON_OK);
    assert_memory_equal(f->y, expected, sizeof expected);
}

/* By weights, of rows of their own, to rows of their own; one term is left out. */
static void check_weights(fixture *f)
{
    static const int32_t from[2 * ENTRIES] = {1, 3, 3, 6, 0, -1, 2, 5}, to[ENTRIES] = {6, 1, 0, 3};
    static const double weight[2 * ENTRIES] = {0.5, -1.0, 2.0, 0.1, 1.0, 9.0, 0.3, -0.7};
    float before[ROWS * WIDTH];
    odeon_tensor y = rows_of(f->y), base = rows_of(f->y0), a = rows_of(f->k[0]);
    odeon_tensor b = rows_of(f->k[1]);
    const odeon_view *x[2] = {&a.view, &b.view};
    memcpy(before, f->y, sizeof before);
    const odeon_lanes_lincomb call = {.struct_size = sizeof call,
                                      .lanes = &f->lanes,
                                      .y = &y,
                                      .base = &base.view,
                                      .x = x,
                                      .weight = weight,
                                      .y_row = to,
                                      .x_row = from,
                                      .n = 2};
    assert_int_equal(f->ops->lincomb(f->d.queue, &call), ODEON_OK);
    for (int i = 0; i < ENTRIES; i++) {
        for (int e = 0; e < WIDTH; e++) {
            double sum = weight[i] * (double)f->k[0][from[i] * WIDTH + e];
            int32_t second = from[ENTRIES + i];
            sum += second < 0 ? 0.0 : weight[ENTRIES + i] * (double)f->k[1][second * WIDTH + e];
            double expected = (double)f->y0[row[i] * WIDTH + e] + sum;
            assert_true(fabs((double)f->y[to[i] * WIDTH + e] - expected) <= 1e-6);
        }
    }
    assert_memory_equal(f->y + 2 * WIDTH, before + 2 * WIDTH, WIDTH * sizeof(float));
    assert_memory_equal(f->y + 4 * WIDTH, before + 4 * WIDTH, 2 * WIDTH * sizeof(float));
}

static void check_error_sum(fixture *f, int32_t norm, int64_t n_each)
{
    static const double rtol[3] = {1e-3, 1e-2, 1e-4}, atol[3] = {1e-6, 1e-5, 1e-3};
    const odeon_control control = {.struct_size = sizeof control,
                                   .norm = norm,
                                   .rtol = 1e-3,
                                   .atol = 1e-6,
                                   .n_each = n_each,
                                   .rtol_each = rtol,
                                   .atol_each = atol};
    odeon_tensor y0 = rows_of(f->y0), y1 = rows_of(f->y1), x[TERMS];
    const odeon_view *pointers[TERMS];
    for (int k = 0; k < TERMS; k++) {
        x[k] = rows_of(f->k[k]);
        pointers[k] = &x[k].view;
    }
    const odeon_lanes_error_sum call = {.struct_size = sizeof call,
                                        .lanes = &f->lanes,
                                        .control = &control,
                                        .y0 = &y0.view,
                                        .y1 = &y1.view,
                                        .x = pointers,
                                        .coefficient = by_h,
                                        .n = TERMS,
                                        .slot = ODEON_SLOT_ERROR_SUM + 1};
    assert_int_equal(f->ops->error_sum(f->d.queue, &call), ODEON_OK);
    for (int i = 0; i < ENTRIES; i++) {
        double *slots = f->slots + block[i] * ODEON_SLOTS;
        odeon_tensor a = row_of(f->y0, row[i]), b = row_of(f->y1, row[i]);
        for (int k = 0; k < TERMS; k++) {
            x[k] = row_of(f->k[k], row[i]);
        }
        assert_int_equal(ODEON_DO(f->d.device, solver, error_sum, f->d.queue, .control = &control,
                                  .y0 = &a.view, .y1 = &b.view, .n = TERMS, .x = pointers,
                                  .coefficient = by_h, .slots = slots,
                                  .slot = ODEON_SLOT_ERROR_SUM),
                         ODEON_OK);
        assert_memory_equal(&slots[ODEON_SLOT_ERROR_SUM], &slots[ODEON_SLOT_ERROR_SUM + 1],
                            sizeof(double));
        assert_true(slots[ODEON_SLOT_ERROR_SUM] > 0.0);
    }
}

static void check_slots(fixture *f)
{
    double values[ENTRIES * 2], read[ENTRIES * 2], t[2 * ENTRIES], kept = f->slots[ODEON_SLOTS + 3];
    const double c[2] = {0.25, 1.0};
    for (int i = 0; i < ENTRIES * 2; i++) {
        values[i] = 1.0 + i;
    }
    const odeon_lanes_write write = {.struct_size = sizeof write,
                                     .lanes = &f->lanes,
                                     .values = values,
                                     .first = ODEON_SLOT_T,
                                     .count = 2};
    assert_int_equal(f->ops->write(f->d.queue, &write), ODEON_OK);
    const odeon_lanes_read look = {.struct_size = sizeof look,
                                   .lanes = &f->lanes,
                                   .y = read,
                                   .first = ODEON_SLOT_T,
                                   .count = 2};
    assert_int_equal(f->ops->read(f->d.queue, &look), ODEON_OK);
    assert_memory_equal(read, values, sizeof values);
    assert_true(f->slots[5 * ODEON_SLOTS + ODEON_SLOT_H] == 2.0);
    assert_true(f->slots[ODEON_SLOTS + 3] == kept);
    const odeon_lanes_times times = {
        .struct_size = sizeof times, .lanes = &f->lanes, .c = c, .t = t, .count = 2};
    assert_int_equal(f->ops->times(f->d.queue, &times), ODEON_OK);
    assert_true(t[1] == 3.0 + 0.25 * 4.0 && t[ENTRIES + 3] == 7.0 + 8.0);
}

static void check_move(fixture *f)
{
    float before[ROWS * WIDTH];
    odeon_tensor x = rows_of(f->y0), y = rows_of(f->y);
    memcpy(before, f->y, sizeof before);
    const odeon_lanes_move call = {.struct_size = sizeof call,
                                   .x = &x.view,
                                   .y = &y,
                                   .x_row = row,
                                   .y_row = block,
                                   .n = ENTRIES};
    assert_int_equal(f->ops->move(f->d.queue, &call), ODEON_OK);
    for (int i = 0; i < ENTRIES; i++) {
        memcpy(before + block[i] * WIDTH, f->y0 + row[i] * WIDTH, WIDTH * sizeof(float));
    }
    assert_memory_equal(f->y, before, sizeof before);
}

/* A word of a later version is refused, and so is what does not fit. */
static void check_refusals(fixture *f)
{
    odeon_tensor y = rows_of(f->y), narrow = row_of(f->y0, 0);
    odeon_lanes_write write = {.struct_size = sizeof write, .flags = 1, .lanes = &f->lanes};
    assert_true(f->ops->write(f->d.queue, &write) < 0);
    write = (odeon_lanes_write){
        .struct_size = sizeof write, .lanes = &f->lanes, .first = ODEON_SLOTS, .count = 1};
    assert_true(f->ops->write(f->d.queue, &write) < 0);
    const odeon_lanes_move move = {.struct_size = sizeof move, .x = &narrow.view, .y = &y, .n = 1};
    assert_true(f->ops->move(f->d.queue, &move) < 0);
    const odeon_lanes_lincomb sum = {
        .struct_size = sizeof sum, .lanes = &f->lanes, .y = &y, .base = &narrow.view};
    assert_true(f->ops->lincomb(f->d.queue, &sum) < 0);
}

static void test_rows_have_the_bits_of_vectors(void **state)
{
    static const char *const devices[] = {"reference", "cpu"};
    static fixture f;
    registry *plugins = support_registry();
    (void)state;
    for (int i = 0; i < 2; i++) {
        open(&f, plugins, devices[i]);
        check_lincomb(&f, true, TERMS);
        check_lincomb(&f, false, TERMS);
        check_lincomb(&f, false, 0);
        check_weights(&f);
        check_error_sum(&f, ODEON_NORM_RMS, 0);
        check_error_sum(&f, ODEON_NORM_MAX, 0);
        check_error_sum(&f, ODEON_NORM_RMS, 3);
        check_slots(&f);
        check_move(&f);
        check_refusals(&f);
        support_device_close(&f.d);
    }
    registry_destroy(plugins);
}

/* Decisions are the kit's, block by block; the others are left alone. */
static void test_steps_are_judged_each_by_itself(void **state)
{
    static const char *const devices[] = {"reference", "cpu"};
    static fixture f;
    static double expected[BLOCKS * ODEON_SLOTS];
    registry *plugins = support_registry();
    const odeon_control control = {.struct_size = sizeof control,
                                   .n_parts = 1,
                                   .count = {WIDTH},
                                   .safety = 0.9,
                                   .factor_min = 0.2,
                                   .factor_max = 10.0,
                                   .factor_max_first = 10.0,
                                   .factor_min_accept = 0.2,
                                   .beta = {0.2},
                                   .beta_reject = 0.2,
                                   .steady_low = 1.0,
                                   .steady_high = 1.0,
                                   .h_max = (double)INFINITY,
                                   .start_exponent = 0.2};
    (void)state;
    for (int d = 0; d < 2; d++) {
        open(&f, plugins, devices[d]);
        odeon_lanes_step step = {
            .struct_size = sizeof step, .lanes = &f.lanes, .control = &control, .phase = 3};
        memcpy(expected, f.slots, sizeof expected);
        for (int i = 0; i < ENTRIES; i++) {
            double *slots = expected + block[i] * ODEON_SLOTS;
            odeon_kit_step_start(&control, 3, slots);
            odeon_kit_step_control(&control, slots);
        }
        assert_int_equal(f.ops->step_start(f.d.queue, &step), ODEON_OK);
        assert_int_equal(f.ops->step_control(f.d.queue, &step), ODEON_OK);
        assert_memory_equal(f.slots, expected, sizeof expected);
        support_device_close(&f.d);
    }
    registry_destroy(plugins);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_have_the_bits_of_vectors),
        cmocka_unit_test(test_steps_are_judged_each_by_itself),
    };
    return cmocka_run_group_tests_name("rows that step by themselves", tests, NULL, NULL);
}
