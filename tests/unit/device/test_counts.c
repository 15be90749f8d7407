/* A device's counters. The device is one made here, which counts or does not. */
#include "device/counts.h"

#include <stdbool.h>
#include <string.h>

#include "odeon/device_ext.h"
#include "support.h"

typedef struct fake {
    odeon_device device;
    bool counts;
    int64_t launches, waits, allocs;
} fake;

static void read_counts(void *self, int64_t *launches, int64_t *waits, int64_t *allocs,
                        int64_t *live_bytes)
{
    const fake *f = self;
    *launches = f->launches;
    *waits = f->waits;
    *allocs = f->allocs;
    *live_bytes = 77;
}

static const void *extension(const odeon_device *device, const char *id)
{
    static const odeon_device_counters counters = {.struct_size = sizeof counters,
                                                   .read = read_counts};
    const fake *f = device->self;
    return f->counts && strcmp(id, ODEON_DEVICE_COUNTERS) == 0 ? &counters : NULL;
}

static void open_fake(fake *f)
{
    *f = (fake){.counts = true, .launches = 10, .waits = 20, .allocs = 30};
    f->device = (odeon_device){
        .struct_size = sizeof f->device, .handle = f, .self = f, .get_table = extension};
}

static void assert_counts(device_counters c, int64_t launches, int64_t waits, int64_t allocs)
{
    assert_int_equal(c.launches, launches);
    assert_int_equal(c.waits, waits);
    assert_int_equal(c.allocs, allocs);
}

static void test_counts_are_those_of_the_device(void **state)
{
    (void)state;
    fake f;
    open_fake(&f);
    assert_counts(device_counts(&f.device), 10, 20, 30);
}

static void test_counts_since_are_differences(void **state)
{
    (void)state;
    fake f;
    open_fake(&f);
    device_counters before = device_counts(&f.device);
    assert_counts(device_counts_since(&f.device, &before), 0, 0, 0);
    f.launches += 1;
    f.waits += 2;
    f.allocs += 3;
    assert_counts(device_counts_since(&f.device, &before), 1, 2, 3);
}

static void test_a_device_need_not_count(void **state)
{
    (void)state;
    fake f;
    open_fake(&f);
    f.counts = false;
    const device_counters before = {.waits = 1, .launches = 1, .allocs = 1};
    assert_counts(device_counts(&f.device), -1, -1, -1);
    assert_counts(device_counts_since(&f.device, &before), -1, -1, -1);
}

/* Counters belong to whom memory and queues belong to. */
static void test_counts_are_asked_of_the_handle(void **state)
{
    (void)state;
    fake f, base;
    open_fake(&f);
    open_fake(&base);
    base.launches = 7;
    f.device.handle = &base;
    assert_counts(device_counts(&f.device), 7, 20, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_are_those_of_the_device),
        cmocka_unit_test(test_counts_since_are_differences),
        cmocka_unit_test(test_a_device_need_not_count),
        cmocka_unit_test(test_counts_are_asked_of_the_handle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
