#include "base/spin.h"

#include "base/clock.h"
#include "support.h"

static void test_a_wait_ends_before_anybody_would_notice(void **state)
{
    (void)state;
    double began = clock_seconds();
    unsigned turns = 0;
    for (spin x = {0}; spin_on(&x);) {
        turns++;
    }
    assert_true(turns >= 64);
    assert_true(clock_seconds() - began < 10.0);
}

static void test_the_first_turns_cost_nothing(void **state)
{
    (void)state;
    spin x = {0};
    for (int i = 0; i < 63; i++) {
        assert_true(spin_on(&x));
        assert_true(x.began == 0.0); /* the clock was not asked yet */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wait_ends_before_anybody_would_notice),
        cmocka_unit_test(test_the_first_turns_cost_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
