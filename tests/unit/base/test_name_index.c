/* Names to numbers, by their hash. */
#include "base/name_index.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "support.h"

enum { MANY = 5000, BYTES = 16 };

static void test_all_that_was_added_is_found(void **state)
{
    (void)state;
    static char names[MANY][BYTES];
    name_index index = {.n = 0};
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(names[i], BYTES, "layer.%zu", i);
        assert_true(name_index_find(&index, names[i]) == NAME_INDEX_NONE);
        assert_true(name_index_add(&index, names[i], i));
    }
    for (size_t i = 0; i < MANY; i++) {
        char copy[BYTES];
        memcpy(copy, names[i], BYTES);
        assert_int_equal(name_index_find(&index, copy), i);
    }
    assert_true(name_index_find(&index, "layer.5000") == NAME_INDEX_NONE);
    assert_true(name_index_find(&index, "") == NAME_INDEX_NONE);
    name_index_fini(&index);
    assert_true(name_index_find(&index, names[0]) == NAME_INDEX_NONE);
}

static void test_no_memory_changes_nothing(void **state)
{
    (void)state;
    name_index index = {.n = 0};
    mem_fail_at(1);
    assert_false(name_index_add(&index, "a", 1));
    mem_fail_at(0);
    assert_true(name_index_find(&index, "a") == NAME_INDEX_NONE);
    assert_true(name_index_add(&index, "a", 1));
    assert_int_equal(name_index_find(&index, "a"), 1);
    name_index_fini(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_that_was_added_is_found),
        cmocka_unit_test(test_no_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
