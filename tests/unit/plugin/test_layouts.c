/* Plugins of other draft headers are refused by what their note says. */
#include "odeon/layouts.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "odeon/plugin.h"
#include "plugin/layouts.h"
#include "support.h"

/* ODEON_LAYOUTS with one number changed. */
static const char *changed(size_t index)
{
    static char text[256];
    (void)snprintf(text, sizeof text, "%s", ODEON_LAYOUTS);
    char *digit = text + 9 * index;
    *digit = *digit == '0' ? '1' : '0';
    return text;
}

static void assert_refused(const char *layouts, const char *components, const char *what)
{
    diag_clear();
    assert_int_equal(layouts_check("x.so", layouts, components), ODEON_ERR_PLUGIN);
    if (strstr(diag_message(), what) == NULL || strncmp(diag_message(), "x.so: ", 6) != 0) {
        fail_msg("'%s' is not in '%s'", what, diag_message());
    }
}

static void test_the_same_headers_are_accepted(void **state)
{
    (void)state;
    assert_int_equal(layouts_check("x.so", ODEON_LAYOUTS, "layer/a"), ODEON_OK);
    assert_int_equal(layouts_check("x.so", ODEON_LAYOUTS, "layer/a,device/b,layer/c@b"), ODEON_OK);
    assert_int_equal(layouts_check("x.so", ODEON_LAYOUTS ".0123abcd", "schedule/a"), ODEON_OK);
}

static void test_other_headers_of_all_plugins_are_refused(void **state)
{
    (void)state;
    assert_refused(changed(0), "layer/a", "other draft headers of all plugins (");
}

static void test_other_headers_of_its_kinds_alone_are_refused(void **state)
{
    (void)state;
    const char *const layer = changed(ODEON_INTERFACE_LAYER);
    assert_refused(layer, "layer/a", "other draft headers of layer (");
    assert_refused(layer, "loss/a,layer/b", "other draft headers of layer (");
    assert_int_equal(layouts_check("x.so", layer, "loss/a,integrator/b:tableau"), ODEON_OK);
    assert_refused(changed(ODEON_INTERFACE_SCHEDULE), "schedule/a",
                   "other draft headers of schedule (");
}

/* A kind of several interfaces: each by itself. */
static void test_interfaces_of_a_kind_do_not_answer_for_each_other(void **state)
{
    (void)state;
    assert_int_equal(layouts_check("x.so", ODEON_LAYOUTS, "integrator/a:tableau"), ODEON_OK);
    assert_int_equal(layouts_check("x.so", ODEON_LAYOUTS, "integrator/a:stepper"), ODEON_OK);
    const char *stepper = changed(ODEON_INTERFACE_STEPPER);
    assert_int_equal(layouts_check("x.so", stepper, "integrator/a:tableau"), ODEON_OK);
    assert_refused(stepper, "integrator/a:tableau,integrator/b:stepper", "headers of stepper (");
    static const char *const unnamed[] = {"integrator/a", "integrator/a:", "integrator/a:solver",
                                          "integrator/a:layer", "layer/a:stepper"};
    for (size_t i = 0; i < sizeof unnamed / sizeof *unnamed; i++) {
        assert_refused(ODEON_LAYOUTS, unnamed[i], "its note does not say which interface of ");
    }
}

static void test_missing_and_malformed_numbers_are_refused(void **state)
{
    (void)state;
    assert_refused("", "layer/a", "does not say with which draft headers of all plugins");
    assert_refused("0123", "layer/a", "does not say with which draft headers of all plugins");
    char only_base[16];
    (void)snprintf(only_base, sizeof only_base, "%.8s", ODEON_LAYOUTS);
    assert_refused(only_base, "layer/a", "does not say with which draft headers of layer");
    char longer[300];
    (void)snprintf(longer, sizeof longer, "0%s", ODEON_LAYOUTS);
    assert_refused(longer, "layer/a", "does not say with which draft headers of all plugins");
}

/* A plugin may bring kinds that this host does not know: they are not looked for. */
static void test_unknown_kinds_do_not_matter(void **state)
{
    (void)state;
    assert_int_equal(layouts_check("x.so", ODEON_LAYOUTS, "group/a,layer/b"), ODEON_OK);
    assert_int_equal(layouts_check("x.so", ODEON_LAYOUTS, "layer"), ODEON_OK);
    assert_int_equal(layouts_check("x.so", ODEON_LAYOUTS, ""), ODEON_OK);
    assert_int_equal(
        layouts_check("x.so", ODEON_LAYOUTS, "a_kind_with_a_name_of_more_than_thirty_bytes/a"),
        ODEON_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_headers_are_accepted),
        cmocka_unit_test(test_other_headers_of_all_plugins_are_refused),
        cmocka_unit_test(test_other_headers_of_its_kinds_alone_are_refused),
        cmocka_unit_test(test_interfaces_of_a_kind_do_not_answer_for_each_other),
        cmocka_unit_test(test_missing_and_malformed_numbers_are_refused),
        cmocka_unit_test(test_unknown_kinds_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
