/* What a layer asks of a batch beside its input. */
#include "data/batch_fields.h"

#include <string.h>

#include "base/diag.h"
#include "support.h"

static void test_fields_are_found_by_role(void **state)
{
    (void)state;
    double times[2] = {0.0, 1.0};
    batch_fields fields = {.of[ODEON_ROLE_TIME] = {.view.data = times}};
    odeon_layer_call call = {.host = &fields};
    assert_ptr_equal(batch_field(&call, ODEON_ROLE_TIME), &fields.of[ODEON_ROLE_TIME].view);
    assert_null(batch_field(&call, ODEON_ROLE_MASK)); /* this batch has none */
    fields.of[ODEON_ROLE_INPUT] = fields.of[ODEON_ROLE_LABEL] = fields.of[ODEON_ROLE_TIME];
    assert_null(batch_field(&call, ODEON_ROLE_INPUT)); /* a layer has its own, and no label */
    assert_null(batch_field(&call, ODEON_ROLE_LABEL));
    assert_null(batch_field(&call, -1));
    assert_null(batch_field(&call, DATA_ROLES));
}

static void test_times_that_all_samples_share(void **state)
{
    (void)state;
    const double times[2] = {0.0, 1.0}, *found = NULL;
    batch_fields fields = {.times = times, .deviant = -1};
    odeon_layer_call call = {.host = &fields};
    assert_int_equal(batch_times(&call, "model.ode", &found), ODEON_OK);
    assert_ptr_equal(found, times);
}

static void test_no_times(void **state)
{
    (void)state;
    const double *found;
    batch_fields fields = {.deviant = -1};
    odeon_layer_call call = {.host = &fields};
    diag_clear();
    assert_int_equal(batch_times(&call, "model.ode", &found), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "model.ode: the batch has no times"));
}

static void test_a_sample_with_other_times_is_named(void **state)
{
    (void)state;
    const double times[2] = {0.0, 1.0}, *found;
    batch_fields fields = {.times = times, .deviant = 3};
    odeon_layer_call call = {.host = &fields};
    diag_clear();
    assert_int_equal(batch_times(&call, "model.ode", &found), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), "model.ode: sample 3 of the batch"));
}

static void test_times_of_each_sample(void **state)
{
    (void)state;
    const double times[4] = {0.0, 1.0, 0.0, 2.0}, *first = NULL, *own = NULL;
    batch_fields fields = {.times = times, .own_times = times, .deviant = 1};
    odeon_layer_call call = {.host = &fields};
    assert_int_equal(batch_own_times(&call, "model.ode", &first, &own), ODEON_OK);
    assert_ptr_equal(first, times);
    assert_ptr_equal(own, times);
    fields = (batch_fields){.deviant = -1};
    diag_clear();
    assert_int_equal(batch_own_times(&call, "model.ode", &first, &own), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "model.ode: the batch has no times"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_found_by_role),
        cmocka_unit_test(test_times_that_all_samples_share),
        cmocka_unit_test(test_no_times),
        cmocka_unit_test(test_a_sample_with_other_times_is_named),
        cmocka_unit_test(test_times_of_each_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
