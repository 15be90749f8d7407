#include "small_variant.h"

#include "run/gradient_check.h"

static void test_a_sound_model_passes_the_check_of_gradients(void **state)
{
    (void)state;
    site x = open_site();
    gradient_check c;
    gradient_check_plan plan = {.samples = 2, .directions = 1, .tolerance = 1e-4};
    diag_clear();
    if (gradient_check_run(&x.base, &plan, &c) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    assert_int_equal(c.samples, 2);
    assert_int_equal(c.wrong, 0);
    assert_true(c.n > 2);
    gradient_check_fini(&c);
    plan.tolerance = 0.0; /* nothing is exact */
    assert_int_equal(gradient_check_run(&x.base, &plan, &c), ODEON_OK);
    gradient_check_fini(&c);
    close_site(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sound_model_passes_the_check_of_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
