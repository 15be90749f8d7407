/* FNV-1a against the values that its authors publish. */
#include "base/checksum.h"

#include "support.h"

static void test_published_values(void **state)
{
    (void)state;
    assert_true(checksum_add(CHECKSUM_START, "", 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(checksum_add(CHECKSUM_START, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(checksum_add(CHECKSUM_START, "foobar", 6) == UINT64_C(0x85944171f73967e8));
}

static void test_parts_add_up_to_the_whole(void **state)
{
    (void)state;
    uint64_t sum = checksum_add(CHECKSUM_START, "foo", 3);
    assert_true(checksum_add(sum, "bar", 3) == checksum_add(CHECKSUM_START, "foobar", 6));
}

static void test_text_has_sixteen_digits(void **state)
{
    (void)state;
    char text[CHECKSUM_TEXT_BYTES];
    checksum_print(0xab, text);
    assert_string_equal(text, "00000000000000ab");
    checksum_print(UINT64_MAX, text);
    assert_string_equal(text, "ffffffffffffffff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_values),
        cmocka_unit_test(test_parts_add_up_to_the_whole),
        cmocka_unit_test(test_text_has_sixteen_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
