#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "diag.h"
#include "inspect.h"

/* What a stream received; free it. */
typedef struct capture {
    FILE *stream;
    char *text;
    size_t bytes;
} capture;

static void capture_start(capture *c)
{
    c->stream = open_memstream(&c->text, &c->bytes);
    assert_non_null(c->stream);
}

static void assert_says(const capture *c, const char *text)
{
    if (strstr(c->text, text) == NULL) {
        fail_msg("'%s' does not stand in:\n%s", text, c->text);
    }
}

static registry *open_registry(const char *folder)
{
    registry *r = NULL;
    diag_clear();
    if (registry_create(1, &folder, &r) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return r;
}

static void test_list_has_a_plugin_of_the_build_and_loads_none(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_BUILD "/plugins");
    capture c = {0};
    capture_start(&c);
    assert_int_equal(inspect_plugins(r, c.stream), ODEON_OK);
    (void)fclose(c.stream);
    assert_says(&c, "integrator rk4");
    assert_says(&c, ODEON_BUILD "/plugins/integrator/rk4.so");
    assert_null(strstr(c.text, "refused"));
    assert_int_equal(registry_plugin_count(r), 0);
    free(c.text);
    registry_destroy(r);
}

static void test_component_tells_figures_and_options(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_BUILD "/plugins");
    capture c = {0};
    capture_start(&c);
    assert_int_equal(inspect_component(r, ODEON_KIND_INTEGRATOR, "dopri5", c.stream), ODEON_OK);
    assert_int_equal(inspect_component(r, ODEON_KIND_LAYER, "dense", c.stream), ODEON_OK);
    (void)fclose(c.stream);
    assert_says(&c, "7 stages, order 5");
    assert_says(&c, "embedded   order 4");
    assert_says(&c, "FSAL       yes");
    assert_says(&c, "  units ");
    assert_says(&c, "ABI        1.0");
    free(c.text);
    registry_destroy(r);
}

static void test_component_that_does_not_exist_is_a_configuration_error(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_BUILD "/plugins");
    assert_int_equal(inspect_component(r, ODEON_KIND_INTEGRATOR, "dopri6", stderr),
                     ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "did you mean 'dopri5'?"));
    registry_destroy(r);
}

static void test_list_survives_plugins_that_crash_leave_or_hang(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_HOSTILE_PLUGINS);
    capture c = {0};
    capture_start(&c);
    assert_int_equal(inspect_plugins(r, c.stream), ODEON_OK);
    (void)fclose(c.stream);
    assert_says(&c, "integrator harmless           1.0    Euler's method");
    assert_says(&c, "crashes.so: it crashed with signal 6");
    assert_says(&c, "leaves.so: it ended the program with exit code 0");
    assert_says(&c, "hangs.so: it took longer than 2 seconds");
    assert_says(&c, "wrong_magic.so: odeon_plugin_v1 does not start with ODEON_MAGIC");
    assert_says(&c, "integrator prints");
    free(c.text);
    registry_destroy(r);
}

static void test_output_of_a_plugin_stays_out_of_the_list(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_HOSTILE_PLUGINS);
    capture c = {0};
    capture_start(&c);
    assert_int_equal(inspect_component(r, ODEON_KIND_INTEGRATOR, "prints", c.stream), ODEON_OK);
    (void)fclose(c.stream);
    assert_null(strstr(c.text, "noise"));
    free(c.text);
    registry_destroy(r);
}

static void test_list_that_cannot_be_written_is_a_failure(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_BUILD "/plugins");
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_int_equal(inspect_component(r, ODEON_KIND_INTEGRATOR, "euler", full), ODEON_ERR_IO);
    (void)fclose(full);
    registry_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_has_a_plugin_of_the_build_and_loads_none),
        cmocka_unit_test(test_component_tells_figures_and_options),
        cmocka_unit_test(test_component_that_does_not_exist_is_a_configuration_error),
        cmocka_unit_test(test_list_survives_plugins_that_crash_leave_or_hang),
        cmocka_unit_test(test_output_of_a_plugin_stays_out_of_the_list),
        cmocka_unit_test(test_list_that_cannot_be_written_is_a_failure),
    };
    return cmocka_run_group_tests_name("inspect", tests, NULL, NULL);
}
