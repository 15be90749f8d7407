/* support.h: what the tests share. Includes cmocka in the order that it asks for. */
#ifndef ODEON_TESTS_SUPPORT_H
#define ODEON_TESTS_SUPPORT_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* a slot of odeon_host has that name */
#undef fail_msg
/* Prints a message and fails the test. */
#define fail_msg(...)                                                                              \
    do {                                                                                           \
        print_error(__VA_ARGS__);                                                                  \
        print_error("\n");                                                                         \
        _fail(__FILE__, __LINE__);                                                                 \
    } while (0)

#include "format/safetensors.h"
#include "odeon/device.h"
#include "odeon/tensor.h"
#include "plugin/registry.h"

/* A registry that sees the build's plugins and those of the tests. Fails the test on error. */
registry *support_registry(void);

/* Parses an expression ("dense(units=3)") of a kind, with state and classes bound to the numbers
 * given (0: not bound), and makes the instance. Fails the test on error. */
struct instance *support_instance(registry *r, int32_t kind, const char *expression, int64_t state,
                                  int64_t classes);

/* The host of a plugin whose sources a test has in it, before a call: no failure is noted. */
const odeon_host *support_host(void);

/* Fails unless |a - b| <= relative * max norm of b (euclidean norms over all n); prints the worst
 * element. b all zero: absolute. */
void support_assert_close(const char *what, int64_t n, const double *a, const double *b,
                          double relative);
/* ||a - b|| / ||b||; ||a|| if b is zero. */
double support_distance(int64_t n, const double *a, const double *b);

/* A file of tests/parity; fails the test if it cannot be read. */
safetensors *support_fixture(const char *name);
/* Its tensor as double; mem_free it. n receives the number of elements (may be NULL). */
double *support_tensor(const safetensors *file, const char *name, int64_t *n);

/* Ends the test as skipped, for want of something that this machine lacks; tests/run.sh says so at
 * its end. what is "WHAT IS NOT TESTED (WHAT LACKS)". */
void support_not_covered(const char *what);

/* Deterministic numbers in [-1, 1). */
double support_random(uint64_t seed, uint64_t index);

/* A device with one queue. */
typedef struct support_device {
    struct open_device *opened;
    struct odeon_config *config;
    const odeon_device *device; /* opened's */
    odeon_queue *queue;
    uint32_t dtype;
} support_device;
/* The device to open in place of the one that a test names: that of the environment variable
 * ODEON_TEST_DEVICE, with which tests of recordings and of whole networks run on a device that
 * they do not know, as on a GPU; else named. One whose options switch loops off stays. */
const char *support_device_name(const char *named);
/* Has the device cpu use the instruction set that the environment variable ODEON_TEST_SIMD names,
 * unless the test itself chooses one; other devices stay as they are. */
void support_force_simd(struct odeon_config *device);
support_device support_device_open(registry *r, const char *id, uint32_t dtype);
void support_device_close(support_device *d);
/* A tensor of the device's dtype with the given shape; data from values (double) or, if NULL, left
 * as it is. */
odeon_tensor support_upload(support_device *d, const double *values, int32_t ndim,
                            const int64_t *dim);
odeon_tensor support_upload_as(support_device *d, uint32_t dtype, const double *values,
                               int32_t ndim, const int64_t *dim);
/* Its values as double (any dtype); mem_free them. */
double *support_download(support_device *d, const odeon_view *x);
void support_release(support_device *d, odeon_tensor *x);

#endif
