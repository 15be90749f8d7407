#include "command/inspect_reference.h"

#include "inspect_capture.h"

#include "captured.h"
#include "folder.h"

/* All of it is comments, so that as an INI it says nothing. */
static void test_every_line_is_a_comment(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_TEST_PLUGINS);
    capture c = {0};
    capture_start(&c);
    assert_int_equal(inspect_reference(r, c.stream), ODEON_OK);
    (void)fclose(c.stream);
    for (const char *line = c.text; line != NULL && *line != '\0'; line = strchr(line, '\n') + 1) {
        assert_true(*line == ';' || *line == '\n');
    }
    assert_says(&c, "\n;[run]\n");
    assert_says(&c, "\n;[model.NAME]\n");
    assert_says(&c, "\n;layer = dense ; ");
    assert_says(&c, "\n;units =                  ; required; whole number >= 1");
    assert_says(&c, "\n;outputs =                ; may be left out; ");
    assert_says(&c, "\n;layer = adds ; ");
    assert_null(strstr(c.text, "swish@remote")); /* no INI names a kernel */
    free(c.text);
    registry_destroy(r);
}

static void test_a_plugin_that_cannot_be_used_is_a_warning(void **state)
{
    (void)state;
    folder f = folder_create();
    folder_write(&f, "layer/none.so", "no plugin", 9);
    registry *r = open_registry(f.path);
    capture c = {0};
    captured said;
    capture_start(&c);
    captured_start(&said);
    odeon_status status = inspect_reference(r, c.stream);
    captured_stop(&said);
    (void)fclose(c.stream);
    assert_int_equal(status, ODEON_OK);
    assert_null(strstr(c.text, "layer = none"));
    assert_memory_equal(said.text, "odeon: warning: ", 16);
    assert_non_null(strstr(said.text, "layer/none.so"));
    free(c.text);
    registry_destroy(r);
    folder_remove(&f);
}

static void test_a_reference_that_cannot_be_written_is_a_failure(void **state)
{
    (void)state;
    folder f = folder_create();
    registry *r = open_registry(f.path);
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_int_equal(inspect_reference(r, full), ODEON_ERR_IO);
    assert_string_equal(diag_message(), "the reference could not be written");
    (void)fclose(full);
    registry_destroy(r);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_line_is_a_comment),
        cmocka_unit_test(test_a_plugin_that_cannot_be_used_is_a_warning),
        cmocka_unit_test(test_a_reference_that_cannot_be_written_is_a_failure),
    };
    return cmocka_run_group_tests_name("inspect_reference", tests, NULL, NULL);
}
