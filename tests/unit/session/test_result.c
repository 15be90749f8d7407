#include <math.h>
#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "session/result.h"

static void test_a_copy_has_blocks_of_its_own(void **state)
{
    (void)state;
    ode_counters blocks[2] = {{.path = "a", .accepted = 3}, {.path = "b", .accepted = 4}};
    session_result from = {.loss = 0.5, .n_blocks = 2, .blocks = blocks}, to = {.loss = 0.0};
    assert_int_equal(session_result_copy(&from, &to), ODEON_OK);
    blocks[1].accepted = 9;
    assert_true(to.loss == 0.5);
    assert_int_equal(to.blocks[1].accepted, 4);
    session_result_fini(&to);
    assert_null(to.blocks);
    assert_int_equal(to.n_blocks, 0);
}

/* A copy of fewer blocks takes the memory that there is. */
static void test_a_copy_may_be_copied_onto_again(void **state)
{
    (void)state;
    ode_counters blocks[3] = {{.accepted = 1}, {.accepted = 2}, {.accepted = 3}};
    session_result to = {.loss = 0.0};
    for (size_t n = 0; n <= 3; n++) {
        session_result from = {.n_blocks = n, .blocks = blocks};
        assert_int_equal(session_result_copy(&from, &to), ODEON_OK);
        assert_int_equal(to.n_blocks, n);
    }
    ode_counters *memory = to.blocks;
    session_result one = {.n_blocks = 1, .blocks = &blocks[2]};
    assert_int_equal(session_result_copy(&one, &to), ODEON_OK);
    assert_ptr_equal(to.blocks, memory);
    assert_int_equal(to.blocks[0].accepted, 3);
    session_result_fini(&to);
}

static void test_without_memory_a_copy_stays_as_it_was(void **state)
{
    (void)state;
    ode_counters blocks[1] = {{.accepted = 1}};
    session_result from = {.loss = 0.5, .n_blocks = 1, .blocks = blocks}, to = {.loss = 0.25};
    diag_clear();
    mem_fail_at(1);
    assert_int_equal(session_result_copy(&from, &to), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_string_equal(diag_message(), "no memory for the counters of 1 ODE blocks");
    assert_true(to.loss == 0.25);
    assert_null(to.blocks);
}

/* Parts whose masks or whose classes count nothing, of which metrics are 0 / 0. */
static void test_means_are_of_what_counts(void **state)
{
    (void)state;
    session_result all = {.metrics = {(double)NAN}};
    session_result none = {.metrics = {(double)NAN}};
    session_result classes = {.metrics = {0.5}, .counted = 1.0};
    session_result a = {.loss = 1.0, .metrics = {1.0}, .counted = 1.0, .loss_counted = 1.0};
    session_result b = {.loss = 2.0, .metrics = {1.0}, .counted = 2.0, .loss_counted = 3.0};
    session_result_add_means(&all, &none, 1);
    assert_true(isnan(all.metrics[0]) && all.counted == 0.0);
    session_result_add_means(&all, &a, 1);
    session_result_add_means(&all, &none, 1);
    session_result_add_means(&all, &classes, 1);
    session_result_add_means(&all, &b, 1);
    assert_true(all.loss == 1.75 && all.metrics[0] == 0.875);
    assert_true(all.counted == 4.0 && all.loss_counted == 4.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_has_blocks_of_its_own),
        cmocka_unit_test(test_a_copy_may_be_copied_onto_again),
        cmocka_unit_test(test_means_are_of_what_counts),
        cmocka_unit_test(test_without_memory_a_copy_stays_as_it_was),
    };
    return cmocka_run_group_tests_name("result", tests, NULL, NULL);
}
