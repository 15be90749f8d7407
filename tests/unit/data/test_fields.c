#include <float.h>
#include <math.h>

#include "support.h"

#include "data/fields.h"

static odeon_field_info field_of(uint32_t dtype, double scale, double shift)
{
    return (odeon_field_info){.struct_size = sizeof(odeon_field_info),
                              .dtype = dtype,
                              .ndim = 2,
                              .dim = {2, 1},
                              .scale = scale,
                              .shift = shift};
}

/* scale * stored + shift, whatever the dtype. */
static void test_stored_numbers_stand_for_values(void **state)
{
    (void)state;
    static const uint8_t u8[] = {0, 255};
    static const int64_t i64[] = {0, 255};
    static const float f32[] = {0.0f, 255.0f};
    static const double f64[] = {0.0, 255.0};
    static const uint32_t dtypes[] = {ODEON_DTYPE_U8, ODEON_DTYPE_I64, ODEON_DTYPE_F32,
                                      ODEON_DTYPE_F64};
    const void *stored[] = {u8, i64, f32, f64};
    for (int i = 0; i < 4; i++) {
        odeon_field_info field = field_of(dtypes[i], 0.5, -1.0);
        double values[2];
        assert_int_equal(data_field_size(&field), 2);
        data_field_values(&field, 1, stored[i], values);
        assert_true(values[0] == -1.0 && values[1] == 126.5);
        assert_true(data_field_value(&field, stored[i], 1) == 126.5);
    }
}

static void test_what_is_no_number_is_not_within_any_limit(void **state)
{
    (void)state;
    odeon_field_info field = field_of(ODEON_DTYPE_F64, 1.0, 0.0);
    double x[4] = {1.0, -2.0, 0.0, 1.5};
    assert_true(data_field_is_within(&field, 2, x, 2.0));
    assert_false(data_field_is_within(&field, 2, x, 1.75));
    assert_true(data_field_is_within(&field, 0, x, 0.0));
    x[3] = (double)NAN;
    assert_false(data_field_is_within(&field, 2, x, DBL_MAX));
    assert_true(data_field_is_within(&field, 1, x, DBL_MAX));
    x[3] = -(double)INFINITY;
    assert_false(data_field_is_within(&field, 2, x, DBL_MAX));
}

static void test_shapes_are_those_of_n_samples(void **state)
{
    (void)state;
    data_fields fields = {.index = {0, -1, -1, -1, -1, -1}};
    fields.of[ODEON_ROLE_INPUT] = field_of(ODEON_DTYPE_F32, 1.0, 0.0);
    odeon_shape x = data_field_shape(&fields, ODEON_ROLE_INPUT, 7, ODEON_DTYPE_F64);
    assert_int_equal(x.ndim, 3);
    assert_int_equal(odeon_count(&x), 14);
    assert_int_equal(x.dtype, ODEON_DTYPE_F64);
    assert_int_equal(data_field_bytes(&fields, ODEON_ROLE_INPUT), 8);
    assert_true(data_has(&fields, ODEON_ROLE_INPUT));
    assert_false(data_has(&fields, ODEON_ROLE_LABEL));
    assert_string_equal(data_role_name(ODEON_ROLE_CONTROL), "control");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stored_numbers_stand_for_values),
        cmocka_unit_test(test_what_is_no_number_is_not_within_any_limit),
        cmocka_unit_test(test_shapes_are_those_of_n_samples),
    };
    return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
