#include "run/grad.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "format/safetensors.h"
#include "format/safetensors_write.h"
#include "support.h"

/* Samples are [2,3], labels 0 to 3. */
static const odeon_shape input = {.ndim = 3, .dim = {1, 2, 3}};
static const data_fields fields = {.index = {0, 1, -1, -1, -1, -1},
                                   .of[ODEON_ROLE_LABEL].classes = 4};

static const float x[12] = {0.5f, 1.0f, 1.5f};
static const safetensors_entry good_x = {
    .name = "x", .dtype = ODEON_DTYPE_F32, .ndim = 3, .dim = {2, 2, 3}, .data = x, .bytes = 48};

static safetensors_entry labels(const double *values, int64_t n)
{
    return (safetensors_entry){.name = "y",
                               .dtype = ODEON_DTYPE_F64,
                               .ndim = 1,
                               .dim = {n},
                               .data = values,
                               .bytes = (uint64_t)n * sizeof *values};
}

/* Writes the entries to a file of its own and reads them as a batch. */
static odeon_status read_back(size_t n, const safetensors_entry *entries, grad_batch *out)
{
    char file[] = "/tmp/odeon-test-XXXXXX";
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(safetensors_write(file, n, entries, 0, NULL), ODEON_OK);
    diag_clear();
    odeon_status status = grad_batch_read(file, &input, &fields, out);
    assert_int_equal(unlink(file), 0);
    return status;
}

static void expect_refusal(size_t n, const safetensors_entry *entries, const char *reason)
{
    grad_batch batch;
    assert_int_equal(read_back(n, entries, &batch), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), reason));
    grad_batch_fini(&batch);
}

static void test_grad_batch_has_samples_and_labels(void **state)
{
    (void)state;
    const double y[2] = {3.0, 0.0};
    grad_batch batch;
    assert_int_equal(read_back(2, (safetensors_entry[]){good_x, labels(y, 2)}, &batch), ODEON_OK);
    assert_int_equal(batch.n, 2);
    assert_true(batch.field[ODEON_ROLE_INPUT][2] == 1.5);
    assert_true(batch.field[ODEON_ROLE_LABEL][0] == 3.0);
    grad_batch_fini(&batch);
}

static void test_grad_batch_takes_integer_labels(void **state)
{
    (void)state;
    const int64_t y[2] = {1, 2};
    safetensors_entry e = {
        .name = "y", .dtype = ODEON_DTYPE_I64, .ndim = 1, .dim = {2}, .data = y, .bytes = 16};
    grad_batch batch;
    assert_int_equal(read_back(2, (safetensors_entry[]){good_x, e}, &batch), ODEON_OK);
    assert_true(batch.field[ODEON_ROLE_LABEL][1] == 2.0);
    grad_batch_fini(&batch);
}

static void test_grad_batch_without_x_is_refused(void **state)
{
    (void)state;
    const double y[2] = {0.0, 0.0};
    expect_refusal(1, (safetensors_entry[]){labels(y, 2)}, "no tensor x");
}

static void test_grad_batch_of_another_shape_is_refused(void **state)
{
    (void)state;
    const double y[2] = {0.0, 0.0};
    safetensors_entry flat = good_x;
    flat.ndim = 2;
    flat.dim[1] = 6;
    expect_refusal(2, (safetensors_entry[]){flat, labels(y, 2)},
                   "x is 2x6, but samples are 2x3, so it must be Nx2x3");
}

static void test_grad_batch_of_no_samples_is_refused(void **state)
{
    (void)state;
    safetensors_entry none = good_x;
    none.dim[0] = 0;
    none.bytes = 0;
    expect_refusal(1, &none, "holds no sample");
}

static void test_grad_batch_with_too_few_labels_is_refused(void **state)
{
    (void)state;
    const double y[1] = {0.0};
    expect_refusal(2, (safetensors_entry[]){good_x, labels(y, 1)},
                   "tensor y (label) is 1, expected 2");
}

static void test_grad_batch_with_a_label_out_of_range_is_refused(void **state)
{
    (void)state;
    const double y[2] = {0.0, 4.0};
    expect_refusal(2, (safetensors_entry[]){good_x, labels(y, 2)}, "y[1] is 4, expected 0 to 3");
}

static void test_grad_batch_with_a_fraction_as_label_is_refused(void **state)
{
    (void)state;
    const double y[2] = {0.5, 0.0};
    expect_refusal(2, (safetensors_entry[]){good_x, labels(y, 2)}, "y[0] is 0.5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grad_batch_has_samples_and_labels),
        cmocka_unit_test(test_grad_batch_takes_integer_labels),
        cmocka_unit_test(test_grad_batch_without_x_is_refused),
        cmocka_unit_test(test_grad_batch_of_another_shape_is_refused),
        cmocka_unit_test(test_grad_batch_of_no_samples_is_refused),
        cmocka_unit_test(test_grad_batch_with_too_few_labels_is_refused),
        cmocka_unit_test(test_grad_batch_with_a_label_out_of_range_is_refused),
        cmocka_unit_test(test_grad_batch_with_a_fraction_as_label_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
