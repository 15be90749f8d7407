/* Device memory that grows when asked for more. */
#include "device/buffer.h"

#include "base/diag.h"
#include "base/mem.h"
#include "plugin/registry.h"
#include "support.h"

typedef struct fixture {
    registry *plugins;
    support_device d;
} fixture;

static fixture open_reference(void)
{
    fixture f = {.plugins = support_registry()};
    f.d = support_device_open(f.plugins, "reference", ODEON_DTYPE_F32);
    return f;
}

static void close_reference(fixture *f)
{
    support_device_close(&f->d);
    registry_destroy(f->plugins);
}

static void test_buffer_grows_and_never_shrinks(void **state)
{
    (void)state;
    fixture f = open_reference();
    device_buffer b = {0};
    assert_int_equal(buffer_fit(f.d.device, &b, 100), ODEON_OK);
    assert_non_null(b.data);
    assert_int_equal(b.bytes, 100);
    const char *before = b.data;
    assert_int_equal(buffer_fit(f.d.device, &b, 40), ODEON_OK);
    assert_ptr_equal(b.data, before);
    assert_int_equal(b.bytes, 100);
    assert_int_equal(buffer_fit(f.d.device, &b, 101), ODEON_OK);
    assert_int_equal(b.bytes, 101);
    buffer_release(f.d.device, &b);
    close_reference(&f);
}

static void test_released_buffers_are_empty(void **state)
{
    (void)state;
    fixture f = open_reference();
    int64_t live = mem_live_blocks();
    device_buffer b = {0};
    assert_int_equal(buffer_fit(f.d.device, &b, 8), ODEON_OK);
    buffer_release(f.d.device, &b);
    buffer_release(f.d.device, &b);
    assert_null(b.data);
    assert_int_equal(b.bytes, 0);
    assert_int_equal(mem_live_blocks(), live);
    close_reference(&f);
}

/* What it had is gone, and it may be asked again. */
static void test_no_memory_leaves_an_empty_buffer(void **state)
{
    (void)state;
    fixture f = open_reference();
    device_buffer b = {0};
    assert_int_equal(buffer_fit(f.d.device, &b, 8), ODEON_OK);
    mem_fail_at(1);
    assert_int_equal(buffer_fit(f.d.device, &b, 1000), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_null(b.data);
    assert_int_equal(b.bytes, 0);
    assert_int_equal(buffer_fit(f.d.device, &b, 1000), ODEON_OK);
    buffer_release(f.d.device, &b);
    close_reference(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffer_grows_and_never_shrinks),
        cmocka_unit_test(test_released_buffers_are_empty),
        cmocka_unit_test(test_no_memory_leaves_an_empty_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
