#include "support.h"

#include "session/slice.h"

/* Slices one behind the other are the batch, and differ by at most one sample. */
static void test_slices_are_the_batch(void **state)
{
    (void)state;
    for (int32_t workers = 1; workers <= 5; workers++) {
        model m = {.n_workers = workers};
        for (int64_t n = 0; n <= 12; n++) {
            int64_t end = 0;
            for (int32_t rank = 0; rank < workers; rank++) {
                worker w = {.model = &m, .rank = rank};
                int64_t count = -1;
                assert_int_equal(worker_slice(&w, n, &count), end);
                assert_in_range(count, n / workers, n / workers + (n % workers != 0));
                end += count;
            }
            assert_int_equal(end, n);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_slices_are_the_batch)};
    return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}
