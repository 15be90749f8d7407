#include "command/inspect_devices.h"

#include "inspect_capture.h"

#include "plugin/registry.h"

/* The test's device is no candidate unless it says so; the processor always is. */
static void test_devices_are_reported_with_rank_and_answer(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_BUILD "/plugins");
    capture c = {0};
    capture_start(&c);
    assert_int_equal(inspect_devices(r, false, c.stream), ODEON_OK);
    (void)fclose(c.stream);
    assert_says(&c, "device = auto: the usable device of highest rank, here ");
    assert_says(&c, "\n  rank  device\n");
    assert_says(&c, " cpu ");
    assert_int_equal(registry_plugin_count(r), 0); /* asked in a process of its own */
    free(c.text);
    registry_destroy(r);
}

static void test_devices_are_shown_as_json(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_BUILD "/plugins");
    capture c = {0};
    capture_start(&c);
    assert_int_equal(inspect_devices(r, true, c.stream), ODEON_OK);
    (void)fclose(c.stream);
    assert_json(c.text);
    assert_memory_equal(c.text, "{\"auto\": \"", 10);
    assert_says(&c, "{\"id\": \"cpu\", \"rank\": ");
    assert_says(&c, "\"usable\": true, \"text\": ");
    free(c.text);
    registry_destroy(r);
}

static void test_an_answer_that_cannot_be_written_is_a_failure(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_BUILD "/plugins");
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_int_equal(inspect_devices(r, false, full), ODEON_ERR_IO);
    assert_string_equal(diag_message(), "what the devices say could not be written");
    (void)fclose(full);
    registry_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices_are_reported_with_rank_and_answer),
        cmocka_unit_test(test_devices_are_shown_as_json),
        cmocka_unit_test(test_an_answer_that_cannot_be_written_is_a_failure),
    };
    return cmocka_run_group_tests_name("inspect_devices", tests, NULL, NULL);
}
