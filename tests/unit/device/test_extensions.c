#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "device/extensions.h"
#include "odeon/device_ext.h"
#include "odeon/plugin.h"

static odeon_device_capture capture;

static const void *only_capture(void *self, const char *id)
{
    (void)self;
    return strcmp(id, ODEON_DEVICE_CAPTURE) == 0 ? &capture : NULL;
}

static const void *nothing(void *self, const char *id)
{
    (void)self;
    (void)id;
    return NULL;
}

static odeon_status check(uint32_t bytes, uint32_t reserved, const char *reason)
{
    static const odeon_device_ops ops = {.struct_size = sizeof ops, .get_table = only_capture};
    static const odeon_component component = {.kind = ODEON_KIND_DEVICE, .id = "odd", .ops = &ops};
    static char path[] = "run.device";
    const instance device = {.component = &component, .path = path, .file = "/some/odd.so"};
    capture = (odeon_device_capture){.struct_size = bytes, .reserved0 = reserved};
    diag_clear();
    odeon_status status = extensions_check(&device);
    if (strstr(diag_message(), reason) == NULL) {
        fail_msg("'%s' does not stand in '%s'", reason, diag_message());
    }
    return status;
}

static void test_table_with_a_reserved_word_or_too_short_is_refused(void **state)
{
    (void)state;
    enum { FIRST = ODEON_SIZE_THROUGH(odeon_device_capture, destroy) };
    assert_int_equal(check(sizeof capture, 0, ""), ODEON_OK);
    assert_int_equal(check(FIRST, 0, ""), ODEON_OK);
    assert_int_equal(check(sizeof capture, 1,
                           "run.device: device odd (/some/odd.so), get_table: "
                           "odeon.device.capture/1: it sets a reserved field, which must stay 0: "
                           "reserved0 is 0x1"),
                     ODEON_ERR_PLUGIN);
    assert_int_equal(check(8, 0, "odeon.device.capture/1 has struct_size 8, expected 40 at least"),
                     ODEON_ERR_PLUGIN);
}

static void test_device_without_extensions_has_none_to_check(void **state)
{
    (void)state;
    static const odeon_device_ops ops = {.struct_size = sizeof ops, .get_table = nothing};
    static const odeon_component component = {.kind = ODEON_KIND_DEVICE, .id = "odd", .ops = &ops};
    const instance device = {.component = &component};
    assert_int_equal(extensions_check(&device), ODEON_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_with_a_reserved_word_or_too_short_is_refused),
        cmocka_unit_test(test_device_without_extensions_has_none_to_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
