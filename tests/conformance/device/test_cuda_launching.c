/* odeon/cuda.h, as a kernel of another plugin meets it, on the functions that stand for CUDA's.
 * Skipped where the device is not built. */
#include <string.h>

#include "capture_fixture.h"

#include "base/diag.h"
#include "odeon/cuda.h"
#include "odeon/device_ext.h"

/* Errors of the runtime by their numbers, which kernels pass on. */
enum { OUT_OF_MEMORY = 2, INVALID_CONFIGURATION = 9 };

typedef struct fixture {
    capture_fixture *f;
    const odeon_device_cuda *cuda;
} fixture;

static fixture open_fixture(void)
{
    if (capture_n_devices() < CAPTURE_DEVICES) {
        support_not_covered("the CUDA device's launches (no nvcc)");
    }
    fixture x = {.f = capture_open(capture_devices[CAPTURE_CUDA], ODEON_DTYPE_F32)};
    x.cuda = x.f->d.device->get_table(x.f->d.device, ODEON_DEVICE_CUDA);
    assert_non_null(x.cuda);
    assert_true(x.cuda->struct_size >= sizeof *x.cuda);
    return x;
}

static void *ask(const fixture *x)
{
    void *stream = NULL;
    capture_check(x->cuda->stream(x->f->queue, &stream));
    assert_non_null(stream);
    return stream;
}

static void test_stream_is_counted_as_a_launch(void **state)
{
    (void)state;
    fixture x = open_fixture();
    int64_t before = capture_count(x.f).launches;
    (void)ask(&x);
    (void)ask(&x);
    assert_int_equal(capture_count(x.f).launches, before + 2);
    capture_close(x.f);
}

static void test_stream_of_a_recording_is_not_counted(void **state)
{
    (void)state;
    fixture x = open_fixture();
    odeon_recording *recording = NULL;
    int64_t before = capture_count(x.f).launches;
    capture_check(x.f->capture->begin(x.f->queue));
    (void)ask(&x);
    capture_check(x.f->capture->end(x.f->queue, &recording));
    assert_int_equal(capture_count(x.f).launches, before);
    x.f->capture->destroy(recording);
    capture_close(x.f);
}

static void test_success_is_no_failure(void **state)
{
    (void)state;
    fixture x = open_fixture();
    assert_int_equal(x.cuda->check(x.f->queue, 0, "mine"), ODEON_OK);
    assert_string_equal(diag_message(), "");
    capture_close(x.f);
}

static void test_error_is_told_in_the_kernel_s_words_and_cuda_s(void **state)
{
    (void)state;
    fixture x = open_fixture();
    assert_int_equal(x.cuda->check(x.f->queue, INVALID_CONFIGURATION, "mine"), ODEON_ERR_DEVICE);
    assert_non_null(strstr(diag_message(), "cuda: mine: "));
    diag_clear();
    assert_int_equal(x.cuda->check(x.f->queue, OUT_OF_MEMORY, "mine"), ODEON_ERR_NOMEM);
    assert_non_null(strstr(diag_message(), "cuda: mine: "));
    capture_close(x.f);
}

static void test_failed_launch_spoils_the_recording(void **state)
{
    (void)state;
    fixture x = open_fixture();
    odeon_recording *recording = NULL;
    capture_check(x.f->capture->begin(x.f->queue));
    (void)ask(&x);
    assert_int_equal(x.cuda->check(x.f->queue, INVALID_CONFIGURATION, "mine"), ODEON_ERR_DEVICE);
    diag_clear();
    assert_true(x.f->capture->end(x.f->queue, &recording) < 0);
    assert_null(recording);
    diag_clear();
    (void)ask(&x); /* the queue goes on */
    capture_close(x.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_is_counted_as_a_launch),
        cmocka_unit_test(test_stream_of_a_recording_is_not_counted),
        cmocka_unit_test(test_success_is_no_failure),
        cmocka_unit_test(test_error_is_told_in_the_kernel_s_words_and_cuda_s),
        cmocka_unit_test(test_failed_launch_spoils_the_recording),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
