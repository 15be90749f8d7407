/* Where a field was evaluated: what is listed of a state on a device, in either width. */
#include "ode/field_points.h"

#include "support.h"

#include <string.h>

#include "base/diag.h"

static odeon_status download(odeon_queue *queue, void *to, const void *from, uint64_t bytes)
{
    (void)queue;
    memcpy(to, from, bytes);
    return ODEON_OK;
}

static odeon_status lost(odeon_queue *queue, void *to, const void *from, uint64_t bytes)
{
    (void)queue;
    (void)to;
    (void)from;
    (void)bytes;
    return diag_fail(ODEON_ERR_DEVICE, "the device is lost");
}

static odeon_status add(field_points *p,
                        odeon_status (*by)(odeon_queue *, void *, const void *, uint64_t),
                        uint32_t dtype, int64_t n_times, const void *y, int64_t size)
{
    static const double t[2] = {0.25, 0.5};
    const odeon_device_ops ops = {.struct_size = sizeof ops, .download = by};
    const odeon_device device = {.struct_size = sizeof device, .ops = &ops};
    const odeon_layer_call call = {.struct_size = sizeof call, .device = &device};
    odeon_view time =
        odeon_view_at(t, (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {n_times}});
    return field_points_add(p, &call, dtype, &time, y, size);
}

static void test_states_of_either_width_are_listed_as_doubles(void **state)
{
    (void)state;
    field_points p = {.n = 0};
    const float narrow[5] = {1.5f, -2.f, 3.f, 0.125f, 7.f};
    const double wide[5] = {0.1, 0.2, 0.3, 0.4, 0.5};
    for (int i = 0; i < 100; i++) { /* more than there is room for at first */
        assert_int_equal(add(&p, download, ODEON_DTYPE_F32, 1, narrow, 5), ODEON_OK);
        assert_int_equal(add(&p, download, ODEON_DTYPE_F64, 1, wide, 5), ODEON_OK);
    }
    assert_int_equal(p.n, 200);
    for (int64_t i = 0; i < p.n; i++) {
        assert_true(p.t[i] == 0.25);
        for (int64_t k = 0; k < 5; k++) {
            assert_true(p.y[5 * i + k] == (i % 2 == 0 ? (double)narrow[k] : wide[k]));
        }
    }
    field_points_fini(&p);
    assert_int_equal(p.n, 0);
    assert_null(p.y);
}

static void test_what_is_not_one_list_is_refused(void **state)
{
    (void)state;
    field_points p = {.n = 0};
    const double y[3] = {1, 2, 3};
    assert_int_equal(add(&p, download, ODEON_DTYPE_F64, 2, y, 2), ODEON_ERR_UNSUPPORTED);
    assert_int_equal(add(&p, download, ODEON_DTYPE_F64, 1, y, 2), ODEON_OK);
    assert_int_equal(add(&p, download, ODEON_DTYPE_F64, 1, y, 3), ODEON_ERR_UNSUPPORTED);
    assert_int_equal(add(&p, lost, ODEON_DTYPE_F64, 1, y, 2), ODEON_ERR_DEVICE);
    assert_int_equal(p.n, 1);
    field_points_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_of_either_width_are_listed_as_doubles),
        cmocka_unit_test(test_what_is_not_one_list_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
