/* A device's counters. The device is one made here, which counts or does not. */
#include "device/counts.h"

#include <stdbool.h>
#include <string.h>

#include "support.h"

typedef struct fake {
    odeon_device_ops ops;
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

static const void *extension(void *self, const char *id)
{
    static const odeon_device_counters counters = {.struct_size = sizeof counters,
                                                   .read = read_counts};
    const fake *f = self;
    return f->counts && strcmp(id, ODEON_DEVICE_COUNTERS) == 0 ? &counters : NULL;
}

static void open_fake(fake *f)
{
    *f = (fake){.counts = true, .launches = 10, .waits = 20, .allocs = 30};
    f->ops = (odeon_device_ops){.struct_size = sizeof f->ops, .get_extension = extension};
    f->device = (odeon_device){.struct_size = sizeof f->device, .self = f, .ops = &f->ops};
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

static void check_unknown(const fake *f)
{
    const device_counters before = {.waits = 1, .launches = 1, .allocs = 1};
    assert_counts(device_counts(&f->device), -1, -1, -1);
    assert_counts(device_counts_since(&f->device, &before), -1, -1, -1);
}

static void test_a_device_need_not_count(void **state)
{
    (void)state;
    fake f;
    open_fake(&f);
    f.counts = false;
    check_unknown(&f);
    f.counts = true;
    f.ops.get_extension = NULL;
    check_unknown(&f);
    f.ops.get_extension = extension; /* which an older table does not reach */
    f.ops.struct_size = offsetof(odeon_device_ops, get_extension);
    check_unknown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_are_those_of_the_device),
        cmocka_unit_test(test_counts_since_are_differences),
        cmocka_unit_test(test_a_device_need_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
