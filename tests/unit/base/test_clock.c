/* Seconds that only go forward. */
#include "base/clock.h"

#include <time.h>

#include "support.h"

static double monotonic(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Between two readings of the clock that it stands for: the unit is the second, fractions count. */
static void test_seconds_are_those_of_the_monotonic_clock(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        double before = monotonic(), seconds = clock_seconds(), after = monotonic();
        assert_true(before <= seconds && seconds <= after);
    }
}

/* A thousand readings within the same second differ, so fractions of it are there. */
static void test_fractions_of_a_second_are_kept(void **state)
{
    (void)state;
    double first = clock_seconds(), last = first;
    for (int i = 0; i < 1000000 && !(last > first); i++) {
        last = clock_seconds();
    }
    assert_true(last > first);
    assert_true(last - first < 1.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seconds_are_those_of_the_monotonic_clock),
        cmocka_unit_test(test_fractions_of_a_second_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
