#include "run/manifest_compare.h"

#include <string.h>

#include "support.h"

#include "base/diag.h"

static void parse(const char *text, json *out)
{
    if (json_parse("test", text, strlen(text), out) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
}

static void assert_difference(manifest_part part, const char *a, const char *b,
                              const char *expected)
{
    json x = {0}, y = {0};
    text_buffer text = {0};
    parse(a, &x);
    parse(b, &y);
    manifest_difference(part, x.values, y.values, &text);
    assert_int_equal(text.length, strlen(expected));
    assert_string_equal(text.length > 0 ? text.data : "", expected);
    text_fini(&text);
    json_fini(&x);
    json_fini(&y);
}

static const char manifest[] =
    "{\"odeon\": \"1.0\", \"abi\": \"1.2\", \"device\": \"cpu\", \"dtype\": \"float32\", "
    "\"workers\": 2, \"kernels\": [], \"machine\": {\"architecture\": \"x\", \"processor\": \"A\", "
    "\"processors\": 4, \"host\": \"here\"}, \"data\": {\"samples\": 8, \"order\": 5}, "
    "\"plugins\": [{\"name\": \"dense\", \"build_id\": \"aa\"}, "
    "{\"name\": \"cpu\", \"build_id\": \"bb\"}]}";

static void test_a_manifest_is_like_itself_in_every_part(void **state)
{
    (void)state;
    assert_difference(MANIFEST_PLUGINS, manifest, manifest, "");
    assert_difference(MANIFEST_MACHINE, manifest, manifest, "");
    assert_difference(MANIFEST_DATA, manifest, manifest, "");
}

static void test_parts_are_told_apart(void **state)
{
    (void)state;
    assert_difference(MANIFEST_PLUGINS, "{\"workers\": 1}", "{\"workers\": 2}", "");
    assert_difference(MANIFEST_MACHINE, "{\"workers\": 1}", "{\"workers\": 2}", "workers 1 | 2");
    assert_difference(MANIFEST_DATA, "{\"data\": {\"order\": 1}}", "{\"data\": {\"order\": 2}}",
                      "order 1 | 2");
    assert_difference(MANIFEST_MACHINE, "{\"data\": {\"order\": 1}}", "{}", "");
}

/* Another host's name is no other machine. */
static void test_the_machine_is_its_processor(void **state)
{
    (void)state;
    assert_difference(MANIFEST_MACHINE, "{\"machine\": {\"host\": \"a\", \"processor\": \"A\"}}",
                      "{\"machine\": {\"host\": \"b\", \"processor\": \"A\"}}", "");
    assert_difference(MANIFEST_MACHINE, "{\"machine\": {\"processor\": \"A\"}}",
                      "{\"machine\": {\"processor\": \"B\"}}", "processor \"A\" | \"B\"");
}

static void test_what_is_missing_or_of_another_kind_is_none(void **state)
{
    (void)state;
    assert_difference(MANIFEST_MACHINE, "{\"dtype\": \"float32\"}", "{}",
                      "dtype \"float32\" | (none)");
    assert_difference(MANIFEST_DATA, "{\"data\": 7}", "{\"data\": {\"samples\": 8}}",
                      "samples (none) | 8");
}

static void test_a_version_goes_before_plugins(void **state)
{
    (void)state;
    assert_difference(MANIFEST_PLUGINS,
                      "{\"odeon\": \"1\", \"plugins\": [{\"name\": \"a\", \"build_id\": \"x\"}]}",
                      "{\"odeon\": \"2\", \"plugins\": [{\"name\": \"a\", \"build_id\": \"y\"}]}",
                      "odeon \"1\" | \"2\"");
}

static void test_plugins_are_compared_by_name(void **state)
{
    (void)state;
    static const char one[] = "{\"plugins\": [{\"name\": \"a\", \"build_id\": \"x\"}]}";
    static const char two[] = "{\"plugins\": [{\"name\": \"b\", \"build_id\": \"y\"}, "
                              "{\"name\": \"a\", \"build_id\": \"x\"}]}";
    static const char other[] = "{\"plugins\": [{\"name\": \"a\", \"build_id\": \"z\"}]}";
    assert_difference(MANIFEST_PLUGINS, one, other, "\"a\": build-id \"x\" | \"z\"");
    assert_difference(MANIFEST_PLUGINS, two, one, "\"b\": build-id \"y\" | (none)");
    assert_difference(MANIFEST_PLUGINS, one, two, "\"b\": build-id (none) | \"y\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_manifest_is_like_itself_in_every_part),
        cmocka_unit_test(test_parts_are_told_apart),
        cmocka_unit_test(test_the_machine_is_its_processor),
        cmocka_unit_test(test_what_is_missing_or_of_another_kind_is_none),
        cmocka_unit_test(test_a_version_goes_before_plugins),
        cmocka_unit_test(test_plugins_are_compared_by_name),
    };
    return cmocka_run_group_tests_name("manifest_compare", tests, NULL, NULL);
}
