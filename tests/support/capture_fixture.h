/* capture_fixture.h: a device that captures, with a block of slots, for the tests of
 * ODEON_DEVICE_CAPTURE. */
#ifndef ODEON_TESTS_CAPTURE_FIXTURE_H
#define ODEON_TESTS_CAPTURE_FIXTURE_H
#include "odeon/device_ext.h"
#include "plugin/registry.h"
#include "support.h"

typedef struct capture_fixture {
    registry *plugins;
    support_device d;
    const odeon_device *device;
    const odeon_device_ops *ops;
    const odeon_device_capture *capture;
    odeon_queue *queue;
    void *handle;
    double *slots; /* on the device, all 0 */
} capture_fixture;

/* Devices that capture: one that carries calls out at once, one that does so late, and the host
 * side of the device `cuda`; how many of them are built. */
enum { CAPTURE_DEVICES = 3, CAPTURE_EAGER = 0, CAPTURE_LATE = 1, CAPTURE_CUDA = 2 };
extern const char *const capture_devices[CAPTURE_DEVICES];
int capture_n_devices(void);

capture_fixture *capture_open(const char *device, uint32_t dtype);
void capture_close(capture_fixture *f);

/* Fails the test, with the message, unless status is success. */
void capture_check(odeon_status status);

/* Random numbers by seed in the device's dtype, at most 100; support_release it. */
odeon_tensor capture_tensor(capture_fixture *f, uint64_t seed, int32_t ndim, const int64_t *dim);

typedef struct capture_counts {
    int64_t launches, waits, allocs;
} capture_counts;

capture_counts capture_count(const capture_fixture *f);

/* Of one shape, each on its own device. */
void capture_assert_same_bits(capture_fixture *f, const odeon_view *a, capture_fixture *g,
                              const odeon_view *b);

#endif
