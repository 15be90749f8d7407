/* Where a layer's kernel for a device is found, and which of several is used. */
#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "captured.h"
#include "folder.h"
#include "plugin/kernels.h"
#include "plugin/registry.h"

static registry *open_registry(const char *path)
{
    registry *r = NULL;
    diag_clear();
    if (registry_create(1, &path, &r) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return r;
}

static const odeon_component *find(registry *r, const char *layer)
{
    const odeon_component *c = NULL;
    if (registry_find(r, ODEON_KIND_LAYER, layer, &c) != ODEON_OK) {
        fail_msg("%s: %s", layer, diag_message());
    }
    return c;
}

static void test_kernel_is_found_in_its_layer_s_plugin(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_TEST_PLUGINS);
    const odeon_component *c = NULL;
    (void)find(r, "mixed");
    assert_int_equal(registry_find_kernel(r, "mixed", "remote", &c), ODEON_OK);
    assert_string_equal(c->id, "mixed@remote");
    assert_int_equal(registry_plugin_count(r), 1);
    registry_destroy(r);
}

static void test_kernel_is_found_in_a_file_of_its_name(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_TEST_PLUGINS);
    const odeon_component *c = NULL;
    assert_int_equal(registry_find_kernel(r, "swish", "remote", &c), ODEON_OK);
    assert_string_equal(c->id, "swish@remote");
    assert_true(registry_plugin_of(r, c)->in_use);
    registry_destroy(r);
}

static void test_link_names_another_kernel_of_a_plugin(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_TEST_PLUGINS);
    const odeon_component *a = NULL, *b = NULL;
    captured c;
    captured_start(&c);
    assert_int_equal(registry_find_kernel(r, "swish", "emulated", &a), ODEON_OK);
    assert_int_equal(registry_find_kernel(r, "swish", "remote", &b), ODEON_OK);
    captured_stop(&c);
    assert_string_equal(c.text, ""); /* a link to what is in use is no other file */
    assert_string_equal(a->id, "swish@emulated");
    assert_string_equal(b->id, "swish@remote");
    assert_int_equal(registry_plugin_count(r), 1);
    registry_destroy(r);
}

static void test_layer_without_a_kernel_for_the_device_has_none(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_TEST_PLUGINS);
    const odeon_component *c = NULL;
    assert_int_equal(registry_find_kernel(r, "swish", "cpu", &c), ODEON_OK);
    assert_null(c);
    assert_string_equal(diag_message(), "");
    registry_destroy(r);
}

static void test_kernel_that_cannot_be_used_is_a_failure(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_HOSTILE_PLUGINS);
    const odeon_component *c = NULL;
    assert_int_equal(registry_find_kernel(r, "kernel_options", "cpu", &c), ODEON_ERR_PLUGIN);
    assert_null(c);
    assert_non_null(strstr(diag_message(), "takes those of layer kernel_options"));
    registry_destroy(r);
}

static void test_second_file_with_a_kernel_is_warned_about(void **state)
{
    (void)state;
    folder first = folder_create(), second = folder_create();
    folder_copy(&first, "layer/shadowed.so", ODEON_HOSTILE_PLUGINS "/layer/shadowed.so");
    folder_copy(&second, "layer/shadowed@cpu.so", ODEON_HOSTILE_PLUGINS "/layer/shadowed@cpu.so");
    const char *const paths[] = {first.path, second.path};
    registry *r = NULL;
    const odeon_component *kernel = NULL;
    captured c;
    assert_int_equal(registry_create(2, paths, &r), ODEON_OK);
    (void)find(r, "shadowed");
    captured_start(&c);
    assert_int_equal(registry_find_kernel(r, "shadowed", "cpu", &kernel), ODEON_OK);
    captured_stop(&c);
    assert_non_null(strstr(c.text, "layer/shadowed@cpu.so: its layer shadowed@cpu is not used: "));
    assert_non_null(strstr(c.text, "layer/shadowed.so holds one of that name"));
    assert_non_null(strstr(registry_plugin_of(r, kernel)->file, "layer/shadowed.so"));
    registry_destroy(r);
    folder_remove(&first);
    folder_remove(&second);
}

/* The list of a run looks once for each layer. */
static void test_list_of_kernels_holds_those_in_use(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_TEST_PLUGINS);
    const odeon_component *swish = find(r, "swish"), *mixed = find(r, "mixed"), *kernel = NULL;
    kernel_list *list = NULL;
    assert_int_equal(kernels_create(r, "remote", &list), ODEON_OK);
    assert_int_equal(kernels_find(list, swish, &kernel), ODEON_OK);
    assert_string_equal(kernel->id, "swish@remote");
    assert_non_null(strstr(kernels_file(list, kernel), "swish@remote.so"));
    assert_int_equal(kernels_find(list, find(r, "faulty"), &kernel), ODEON_OK);
    assert_null(kernel);
    assert_int_equal(kernels_find(list, mixed, &kernel), ODEON_OK);
    assert_int_equal(kernels_find(list, swish, &kernel), ODEON_OK);
    assert_int_equal(kernels_count(list), 2);
    assert_string_equal(kernels_at(list, 0)->id, "swish@remote");
    assert_string_equal(kernels_at(list, 1)->id, "mixed@remote");
    kernels_destroy(list);
    registry_destroy(r);
}

static void test_container_has_no_kernel(void **state)
{
    (void)state;
    static const char *const paths[] = {ODEON_HOSTILE_PLUGINS, ODEON_BUILD "/plugins"};
    registry *r = NULL;
    const odeon_component *kernel = NULL;
    kernel_list *list = NULL;
    diag_clear();
    assert_int_equal(registry_create(2, paths, &r), ODEON_OK);
    assert_int_equal(kernels_create(r, "cpu", &list), ODEON_OK);
    assert_int_equal(kernels_find(list, find(r, "chain"), &kernel), ODEON_ERR_PLUGIN);
    assert_null(kernel);
    assert_non_null(
        strstr(diag_message(), "chain@cpu cannot take the place of layer chain, which holds"));
    kernels_destroy(list);
    registry_destroy(r);
}

/* The id that a kernel takes apart, in what begins alike. */
static void test_device_of_a_kernel_is_told_for_its_own_layer_alone(void **state)
{
    (void)state;
    assert_string_equal(registry_kernel_device("swish@cuda", "swish"), "cuda");
    assert_null(registry_kernel_device("swish@cuda", "swi"));
    assert_null(registry_kernel_device("swish", "swish"));
    assert_null(registry_kernel_device("swish2@cuda", "swish"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_is_found_in_its_layer_s_plugin),
        cmocka_unit_test(test_kernel_is_found_in_a_file_of_its_name),
        cmocka_unit_test(test_link_names_another_kernel_of_a_plugin),
        cmocka_unit_test(test_layer_without_a_kernel_for_the_device_has_none),
        cmocka_unit_test(test_kernel_that_cannot_be_used_is_a_failure),
        cmocka_unit_test(test_second_file_with_a_kernel_is_warned_about),
        cmocka_unit_test(test_list_of_kernels_holds_those_in_use),
        cmocka_unit_test(test_container_has_no_kernel),
        cmocka_unit_test(test_device_of_a_kernel_is_told_for_its_own_layer_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
