/* On whose behalf a worker makes a call: the host's or a plugin's, and who is at fault. */
#include "device/caller.h"

#include <string.h>

#include "support.h"

static const odeon_component layer = {
    .struct_size = sizeof layer, .kind = ODEON_KIND_LAYER, .id = "odd"};
static const odeon_component device = {
    .struct_size = sizeof device, .kind = ODEON_KIND_DEVICE, .id = "slow"};
static char layer_path[] = "ode.block", device_path[] = "device";
static const instance in_layer = {.component = &layer, .path = layer_path},
                      on_device = {.component = &device, .path = device_path},
                      unnamed = {.component = NULL};

static const calling plugin = {.who = &in_layer, .slot = "forward"};
static const calling hosts[] = {{.who = NULL, .slot = NULL},
                                {.who = NULL, .slot = "forward"},
                                {.who = &in_layer, .slot = NULL},
                                {.who = &unnamed, .slot = "forward"},
                                {.who = &on_device, .slot = "gemm"}};
enum { N_HOSTS = sizeof hosts / sizeof hosts[0] };

static void test_devices_act_for_the_host(void **state)
{
    (void)state;
    assert_false(caller_is_host(&plugin));
    for (size_t i = 0; i < N_HOSTS; i++) {
        assert_true(caller_is_host(&hosts[i]));
    }
}

static void test_callers_are_described(void **state)
{
    (void)state;
    char text[64] = "before";
    for (size_t i = 0; i < N_HOSTS; i++) {
        assert_string_equal(caller_text(&hosts[i], text, sizeof text), "the host");
    }
    assert_string_equal(text, "before");
    assert_string_equal(caller_text(&plugin, text, sizeof text), "forward of ode.block (odd)");
    assert_string_equal(caller_text(&plugin, text, 11), "forward of");
}

static void test_a_plugin_that_is_involved_is_at_fault(void **state)
{
    (void)state;
    assert_int_equal(caller_fault(&hosts[0], &hosts[4]), ODEON_ERR_INTERNAL);
    assert_int_equal(caller_fault(&plugin, &hosts[0]), ODEON_ERR_PLUGIN);
    assert_int_equal(caller_fault(&hosts[0], &plugin), ODEON_ERR_PLUGIN);
    assert_int_equal(caller_fault(&plugin, &plugin), ODEON_ERR_PLUGIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices_act_for_the_host),
        cmocka_unit_test(test_callers_are_described),
        cmocka_unit_test(test_a_plugin_that_is_involved_is_at_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
