/* ODEON_DEVICE_SLICES of the cpu: sums of errors piece by piece, and how much memory is near. */
#include <string.h>

#include "odeon/device_ext.h"
#include "odeon/device_solver.h"
#include "plugin/registry.h"
#include "support.h"

enum { COUNT = 3000, EACH = 7 };

typedef struct piece {
    support_device d;
    const odeon_device_slices *slices;
    float y0[COUNT], y1[COUNT], k[2][COUNT];
    double slots[ODEON_SLOTS], lanes[ODEON_ERROR_LANES], rtol[EACH], atol[EACH];
    odeon_control control;
} piece;

static void fill(piece *p)
{
    for (int i = 0; i < COUNT; i++) {
        p->y0[i] = (float)support_random(1, (uint64_t)i);
        p->y1[i] = (float)support_random(2, (uint64_t)i);
        p->k[0][i] = (float)support_random(3, (uint64_t)i);
        p->k[1][i] = (float)support_random(4, (uint64_t)i);
    }
    for (int i = 0; i < EACH; i++) {
        p->rtol[i] = 1e-3 * (i + 1);
        p->atol[i] = 1e-5 * (i + 1);
    }
}

static odeon_view part(const float *x, int64_t first, int64_t n)
{
    return odeon_view_at(x + first, (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F32, .dim = {n}});
}

/* pieces 0: error_sum of all. */
static double sum(piece *p, int64_t first, int64_t n, bool pieces)
{
    odeon_view y0 = part(p->y0, first, n), y1 = part(p->y1, first, n);
    odeon_view a = part(p->k[0], first, n), b = part(p->k[1], first, n);
    const odeon_view *x[2] = {&a, &b};
    const odeon_scalar c[2] = {odeon_imm(0.5), odeon_imm(-0.25)};
    const odeon_error_sum call = {.struct_size = sizeof call,
                                  .control = &p->control,
                                  .y0 = &y0,
                                  .y1 = &y1,
                                  .n = 2,
                                  .x = x,
                                  .coefficient = c,
                                  .slots = p->slots,
                                  .slot = 3};
    assert_int_equal(pieces ? p->slices->error_sum(p->d.queue, &call, p->lanes, first)
                            : p->d.device->solver->error_sum(p->d.queue, &call),
                     ODEON_OK);
    return p->slots[3];
}

/* Lanes hold anything before the first piece. */
static void check(piece *p, int64_t step)
{
    double last = 0.0, whole = sum(p, 0, COUNT, false);
    memset(p->lanes, 0x55, sizeof p->lanes);
    for (int64_t first = 0; first < COUNT; first += step) {
        last = sum(p, first, COUNT - first < step ? COUNT - first : step, true);
    }
    assert_true(whole > 0.0);
    assert_memory_equal(&last, &whole, sizeof whole);
}

static void check_all(piece *p, int32_t norm, int64_t n_each)
{
    static const int64_t steps[] = {COUNT, 512, 640, 7, 35, 1001, 2996};
    p->control = (odeon_control){.struct_size = sizeof p->control,
                                 .norm = norm,
                                 .rtol = 1e-3,
                                 .atol = 1e-6,
                                 .n_each = n_each,
                                 .rtol_each = p->rtol,
                                 .atol_each = p->atol};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (n_each == 0 || steps[i] % n_each == 0 || steps[i] == COUNT) {
            check(p, steps[i]);
        }
    }
}

static void test_pieces_come_to_the_bits_of_the_whole(void **state)
{
    static piece p;
    registry *plugins = support_registry();
    (void)state;
    p.d = support_device_open(plugins, "cpu", ODEON_DTYPE_F32);
    p.slices = p.d.device->get_table(p.d.device, ODEON_DEVICE_SLICES);
    assert_non_null(p.slices);
    assert_ptr_equal(p.slices->solver, p.d.device->solver);
    fill(&p);
    check_all(&p, ODEON_NORM_RMS, 0);
    check_all(&p, ODEON_NORM_MAX, 0);
    check_all(&p, ODEON_NORM_RMS, EACH);
    check_all(&p, ODEON_NORM_MAX, EACH);
    support_device_close(&p.d);
    registry_destroy(plugins);
}

static void test_cache_is_as_found_or_as_given(void **state)
{
    static const struct {
        const char *device;
        uint64_t bytes;
    } cases[] = {{"cpu(slice_kib=0)", 0}, {"cpu(slice_kib=3)", 3072}};
    registry *plugins = support_registry();
    (void)state;
    for (int i = 0; i < 3; i++) {
        support_device d =
            support_device_open(plugins, i < 2 ? cases[i].device : "cpu", ODEON_DTYPE_F32);
        const odeon_device_slices *x = d.device->get_table(d.device, ODEON_DEVICE_SLICES);
        uint64_t bytes = x->bytes(d.device->handle);
        assert_true(i < 2 ? bytes == cases[i].bytes : bytes >= 4096);
        support_device_close(&d);
    }
    registry_destroy(plugins);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_come_to_the_bits_of_the_whole),
        cmocka_unit_test(test_cache_is_as_found_or_as_given),
    };
    return cmocka_run_group_tests_name("sums of errors in pieces", tests, NULL, NULL);
}
