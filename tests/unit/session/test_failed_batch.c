#include "session/failed_batch.h"

#include "support.h"

#include "base/mem.h"

static void test_what_a_batch_holds_is_freed(void **state)
{
    (void)state;
    int64_t before = mem_live_blocks();
    session_batch b = {.training = true, .n = 2, .epoch = 3, .step = 4};
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        b.field[role] = mem_zalloc(2, sizeof(double));
    }
    b.indices = mem_zalloc(2, sizeof *b.indices);
    session_batch_fini(&b);
    assert_int_equal(mem_live_blocks(), before);
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        assert_null(b.field[role]);
    }
    assert_null(b.indices);
    assert_true(b.n == 0 && b.epoch == 0 && b.step == 0 && !b.training);
}

static void test_an_empty_batch_may_be_freed_again(void **state)
{
    (void)state;
    int64_t before = mem_live_blocks();
    session_batch b = {.n = 0};
    session_batch_fini(&b);
    session_batch_fini(&b);
    assert_int_equal(mem_live_blocks(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_batch_holds_is_freed),
        cmocka_unit_test(test_an_empty_batch_may_be_freed_again),
    };
    return cmocka_run_group_tests_name("failed_batch", tests, NULL, NULL);
}
