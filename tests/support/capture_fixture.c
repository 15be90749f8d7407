#define _POSIX_C_SOURCE 200809L
#include "capture_fixture.h"

#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_ext.h"
#include "odeon/device_solver.h"
#include "plugin/registry.h"

const char *const capture_devices[CAPTURE_DEVICES] = {"remote", "remote(late=yes)", "mocked"};

int capture_n_devices(void)
{
    int has_cuda = access(ODEON_TEST_PLUGINS "/device/mocked.so", F_OK) == 0;
    return has_cuda ? CAPTURE_DEVICES : CAPTURE_CUDA;
}

void capture_check(odeon_status status)
{
    if (status != ODEON_OK) {
        fail_msg("status %d: %s", (int)status, diag_message());
    }
}

capture_fixture *capture_open(const char *device, uint32_t dtype)
{
    static const double zeros[ODEON_SLOTS];
    capture_fixture *f = mem_zalloc(1, sizeof *f);
    assert_non_null(f);
    f->plugins = support_registry();
    f->d = support_device_open(f->plugins, support_device_name(device), dtype);
    f->device = f->d.device;
    f->ops = f->device->ops;
    f->queue = f->d.queue;
    f->handle = f->device->handle;
    f->capture = f->device->get_table(f->device, ODEON_DEVICE_CAPTURE);
    assert_non_null(f->capture);
    void *memory;
    capture_check(f->ops->alloc(f->handle, sizeof zeros, &memory));
    capture_check(f->ops->upload(f->queue, memory, zeros, sizeof zeros));
    f->slots = memory;
    diag_clear();
    return f;
}

void capture_close(capture_fixture *f)
{
    f->ops->free(f->handle, f->slots);
    support_device_close(&f->d);
    registry_destroy(f->plugins);
    mem_free(f);
}

capture_counts capture_count(const capture_fixture *f)
{
    capture_counts c;
    int64_t live;
    const odeon_device_counters *counters = f->device->get_table(f->device, ODEON_DEVICE_COUNTERS);
    counters->read(f->handle, &c.launches, &c.waits, &c.allocs, &live);
    return c;
}

odeon_tensor capture_tensor(capture_fixture *f, uint64_t seed, int32_t ndim, const int64_t *dim)
{
    double values[100];
    for (uint64_t i = 0; i < sizeof values / sizeof *values; i++) {
        values[i] = support_random(seed, i);
    }
    return support_upload(&f->d, values, ndim, dim);
}

void capture_assert_same_bits(capture_fixture *f, const odeon_view *a, capture_fixture *g,
                              const odeon_view *b)
{
    double *left = support_download(&f->d, a), *right = support_download(&g->d, b);
    assert_memory_equal(left, right, (size_t)odeon_count(&a->shape) * sizeof *left);
    mem_free(left);
    mem_free(right);
}
