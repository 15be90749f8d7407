/* How many samples a slice has. */
#include "ode/slices.h"

#include <string.h>

#include "odeon/device_ext.h"
#include "support.h"

static uint64_t cache;
static bool captures, other_solver;
static const odeon_solver_family family, another;
static const odeon_device_capture capture;

static uint64_t bytes(void *device)
{
    (void)device;
    return cache;
}

static const odeon_device_slices table = {
    .struct_size = sizeof table, .solver = &family, .bytes = bytes};

static const void *get_table(const odeon_device *device, const char *id)
{
    (void)device;
    bool slices = strcmp(id, ODEON_DEVICE_SLICES) == 0;
    bool capturing = captures && strcmp(id, ODEON_DEVICE_CAPTURE) == 0;
    return slices ? (const void *)&table : capturing ? &capture : NULL;
}

static int64_t rows(slice_load load)
{
    const odeon_device device = {.solver = other_solver ? &another : &family,
                                 .get_table = get_table};
    return slices_rows(&device, &load);
}

static const slice_load usual = {
    .samples = 100, .alike = true, .vectors = 4, .vector_bytes = 20, .eval_bytes = 20};

/* 100 bytes a sample. */
static void test_rows_fit_the_cache_and_come_out_alike(void **state)
{
    slice_load load = usual;
    (void)state;
    cache = 2000;
    assert_int_equal(rows(load), 20);
    load.samples = 101;
    assert_int_equal(rows(load), 17); /* six slices, not five and one of a single sample */
    load.weight_bytes = 50;
    load.samples = 114;
    assert_int_equal(rows(load), 19); /* 1950 bytes are left */
    cache = 100;
    load.weight_bytes = 0;
    assert_int_equal(rows(load), 4); /* the fewest */
}

/* Then a slice of 16 samples of 100 bytes holds 16 times the weights' 100, in a cache of any size.
 */
static void test_weights_make_slices_large(void **state)
{
    slice_load load = usual;
    (void)state;
    cache = 200;
    load.weight_bytes = 100;
    load.samples = 64;
    assert_int_equal(rows(load), 16);
    cache = 1200;
    assert_int_equal(rows(load), 16); /* 11 would fit */
    load.weight_bytes = 400;
    assert_int_equal(rows(load), 0); /* all of them hold no more */
    load.samples = 65;
    assert_int_equal(rows(load), 33);
    cache = 0; /* none are wanted */
    assert_int_equal(rows(load), 0);
}

/* Workers that did not agree would make different collective calls. */
static void test_batches_are_whole_where_workers_have_different_numbers(void **state)
{
    slice_load load = usual;
    (void)state;
    cache = 2000;
    load.alike = false;
    assert_int_equal(rows(load), 0);
}

static void test_batches_are_whole_where_slices_are_of_no_use(void **state)
{
    slice_load load = usual;
    (void)state;
    cache = 0;
    assert_int_equal(rows(load), 0);
    cache = 10000;
    assert_int_equal(rows(load), 0); /* all of them fit */
    cache = 2000;
    load = usual;
    load.vectors = 0; /* a method whose steps are not made so */
    assert_int_equal(rows(load), 0);
    load = usual;
    load.samples = 0;
    load.vector_bytes = load.eval_bytes = 0;
    assert_int_equal(rows(load), 0);
}

static void test_devices_that_capture_or_have_another_family_solve_whole(void **state)
{
    (void)state;
    cache = 2000;
    captures = true;
    assert_int_equal(rows(usual), 0);
    captures = false;
    other_solver = true;
    assert_int_equal(rows(usual), 0);
    other_solver = false;
    assert_int_equal(rows(usual), 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_fit_the_cache_and_come_out_alike),
        cmocka_unit_test(test_weights_make_slices_large),
        cmocka_unit_test(test_batches_are_whole_where_workers_have_different_numbers),
        cmocka_unit_test(test_batches_are_whole_where_slices_are_of_no_use),
        cmocka_unit_test(test_devices_that_capture_or_have_another_family_solve_whole),
    };
    return cmocka_run_group_tests_name("slices", tests, NULL, NULL);
}
