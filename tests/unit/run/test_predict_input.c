#include "run/predict_input.h"

#include <math.h>
#include <string.h>

#include "support_session.h"

#include "base/diag.h"
#include "base/mem.h"
#include "format/npy.h"
#include "format/safetensors_write.h"
#include "run_fixture.h"

/* Bytes with a scale to [0, 1]; the transform makes [3] of [1, 1, 3]. */
static const char images[] = "[run]\nworkers = 1\ndtype = float64\n"
                             "[data]\ndataset = idx(path=data, shape=1 1 3, classes=2)\n"
                             "[data.flat]\nlayer = flatten\n"
                             "[model.head]\nlayer = dense(units=classes)\n"
                             "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

enum { N = 2, SIZE = 3 };

static const double given[N * SIZE] = {0.0, 0.25, 0.5, 0.75, 1.0, 0.125};

static odeon_status read_input(const support_session *s, const char *path, bool transformed,
                               predict_input *out)
{
    diag_clear();
    return predict_input_read(path, transformed, s->config, s->session, out);
}

/* A file "in.safetensors" of x and, unless y is NULL, of labels y. */
static void write_x(uint32_t dtype, int32_t ndim, const int64_t *dim, const void *x, const void *y)
{
    safetensors_entry entries[2] = {{.name = "x", .dtype = dtype, .ndim = ndim, .data = x},
                                    {.name = "y",
                                     .dtype = ODEON_DTYPE_I64,
                                     .ndim = 1,
                                     .dim = {dim[0]},
                                     .data = y,
                                     .bytes = (uint64_t)dim[0] * sizeof(int64_t)}};
    uint64_t bytes = (uint64_t)odeon_dtype_bytes(dtype);
    for (int32_t i = 0; i < ndim; i++) {
        entries[0].dim[i] = dim[i];
        bytes *= (uint64_t)dim[i];
    }
    entries[0].bytes = bytes;
    support_require(safetensors_write("in.safetensors", y != NULL ? 2 : 1, entries, 0, NULL),
                    "write");
}

static const int64_t shape[4] = {N, 1, 1, SIZE}, flat[2] = {N, SIZE};

static void test_bytes_are_stored_as_they_are(void **state)
{
    (void)state;
    support_session s = support_session_open(images, N, NULL);
    static const unsigned char x[N * SIZE] = {0, 1, 2, 253, 254, 255};
    static const int64_t y[N] = {1, 0};
    predict_input in;
    write_x(ODEON_DTYPE_U8, 4, shape, x, y);
    support_require(read_input(&s, "in.safetensors", false, &in), "read");
    assert_int_equal(in.n, N);
    assert_memory_equal(in.stored, x, sizeof x);
    assert_null(in.values);
    assert_null(in.field[ODEON_ROLE_INPUT]);
    assert_true(in.field[ODEON_ROLE_LABEL][0] == 1.0 && in.field[ODEON_ROLE_LABEL][1] == 0.0);
    predict_input_fini(&in);
    assert_null(in.stored);
    support_session_close(&s);
}

static void test_whole_numbers_become_bytes_where_they_fit(void **state)
{
    (void)state;
    support_session s = support_session_open(images, N, NULL);
    int64_t x[N * SIZE] = {0, 1, 2, 3, 4, 255};
    static const unsigned char expected[N * SIZE] = {0, 1, 2, 3, 4, 255};
    predict_input in;
    write_x(ODEON_DTYPE_I64, 4, shape, x, NULL);
    support_require(read_input(&s, "in.safetensors", false, &in), "read");
    assert_memory_equal(in.stored, expected, sizeof expected);
    predict_input_fini(&in);
    x[4] = 256;
    write_x(ODEON_DTYPE_I64, 4, shape, x, NULL);
    assert_int_equal(read_input(&s, "in.safetensors", false, &in), ODEON_ERR_DATA);
    assert_string_equal(diag_message(), "in.safetensors: x holds 256 (element 4), but the data set "
                                        "stores bytes, 0 to 255");
    predict_input_fini(&in);
    support_session_close(&s);
}

static void test_floats_are_the_numbers_that_bytes_stand_for(void **state)
{
    (void)state;
    support_session s = support_session_open(images, N, NULL);
    predict_input in;
    support_require(npy_write_output("in.npy", ODEON_DTYPE_F64, 4, shape, given), "write");
    support_require(read_input(&s, "in.npy", false, &in), "read");
    assert_memory_equal(in.values, given, sizeof given);
    assert_null(in.stored);
    assert_null(in.field[ODEON_ROLE_INPUT]);
    predict_input_fini(&in);
    support_session_close(&s);
}

/* What the model itself takes is in the shape behind the transforms. */
static void test_transformed_floats_are_the_models_input(void **state)
{
    (void)state;
    support_session s = support_session_open(images, N, NULL);
    predict_input in;
    support_require(npy_write_output("in.npy", ODEON_DTYPE_F64, 2, flat, given), "write");
    support_require(read_input(&s, "in.npy", true, &in), "read");
    assert_memory_equal(in.field[ODEON_ROLE_INPUT], given, sizeof given);
    assert_null(in.values);
    predict_input_fini(&in);
    support_session_close(&s);
}

static void assert_refused(const support_session *s, const char *path, bool transformed,
                           odeon_status status, const char *message)
{
    predict_input in;
    int64_t before = mem_live_blocks();
    assert_int_equal(read_input(s, path, transformed, &in), status);
    assert_string_equal(diag_message(), message);
    predict_input_fini(&in);
    assert_int_equal(mem_live_blocks(), before);
}

static void test_shapes_and_dtypes_must_fit(void **state)
{
    (void)state;
    support_session s = support_session_open(images, N, NULL);
    static const unsigned char bytes[N * SIZE];
    support_require(npy_write_output("in.npy", ODEON_DTYPE_F64, 2, flat, given), "write");
    assert_refused(&s, "in.npy", false, ODEON_ERR_DATA,
                   "in.npy: x is 2x3, but must be Nx1x1x3 with N >= 1");
    support_require(npy_write_output("in.npy", ODEON_DTYPE_F64, 4, shape, given), "write");
    assert_refused(&s, "in.npy", true, ODEON_ERR_DATA,
                   "in.npy: x is 2x1x1x3, but must be Nx3 with N >= 1");
    write_x(ODEON_DTYPE_U8, 2, flat, bytes, NULL);
    assert_refused(&s, "in.safetensors", true, ODEON_ERR_DATA,
                   "in.safetensors: x is uint8, but what the model itself takes (--transformed) is "
                   "float32 or float64: without that option whole numbers are as the data set has "
                   "them");
    support_session_close(&s);
}

/* Floats from 0 to 255 are bytes that nobody has divided; a little beyond [0, 1] is noise. */
static void test_numbers_far_out_of_range_are_refused(void **state)
{
    (void)state;
    support_session s = support_session_open(images, N, NULL);
    double x[N * SIZE] = {0.0, 1.5, -0.5, 0.0, 0.0, 0.0};
    predict_input in;
    support_require(npy_write_output("in.npy", ODEON_DTYPE_F64, 4, shape, x), "write");
    support_require(read_input(&s, "in.npy", false, &in), "read");
    predict_input_fini(&in);
    x[3] = 200.0;
    support_require(npy_write_output("in.npy", ODEON_DTYPE_F64, 4, shape, x), "write");
    assert_refused(&s, "in.npy", false, ODEON_ERR_DATA,
                   "in.npy: x holds 200 (element 3), but as floats samples of the data set are "
                   "numbers from 0 to 1: give bytes as numpy.astype('uint8'), and what the model "
                   "itself takes with --transformed");
    support_require(npy_write_output("in.npy", ODEON_DTYPE_F64, 2, flat, x), "write");
    support_require(read_input(&s, "in.npy", true, &in), "read"); /* there anything may be */
    predict_input_fini(&in);
    x[3] = (double)NAN;
    support_require(npy_write_output("in.npy", ODEON_DTYPE_F64, 4, shape, x), "write");
    assert_int_equal(read_input(&s, "in.npy", false, &in), ODEON_ERR_DATA);
    assert_memory_equal(diag_message(), "in.npy: ", 8);
    predict_input_fini(&in);
    support_session_close(&s);
}

static void test_other_files_are_refused(void **state)
{
    (void)state;
    support_session s = support_session_open(images, N, NULL);
    static const int64_t y[N] = {0, 1};
    const safetensors_entry only_y = {
        .name = "y", .dtype = ODEON_DTYPE_I64, .ndim = 1, .dim = {N}, .data = y, .bytes = sizeof y};
    support_require(safetensors_write("y.safetensors", 1, &only_y, 0, NULL), "write");
    assert_refused(&s, "y.safetensors", false, ODEON_ERR_DATA, "y.safetensors: no tensor x");
    assert_refused(&s, "in.txt", false, ODEON_ERR_CONFIG,
                   "--in in.txt: must end in .npy or .safetensors: the data set idx reads no other "
                   "files");
    predict_input in;
    assert_int_equal(read_input(&s, "none.npy", false, &in), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "none.npy"));
    predict_input_fini(&in);
    support_session_close(&s);
}

static void test_a_part_points_to_its_samples(void **state)
{
    (void)state;
    support_session s = support_session_open(images, N, NULL);
    unsigned char bytes[4 * SIZE];
    double values[4 * SIZE], labels[4];
    predict_input in = {.n = 4, .stored = bytes, .field = {[ODEON_ROLE_LABEL] = labels}};
    session_samples part = predict_input_part(s.session, &in, 1, 2);
    assert_int_equal(part.n, 2);
    assert_ptr_equal(part.stored, bytes + SIZE);
    assert_ptr_equal(part.given[ODEON_ROLE_LABEL], labels + 1);
    assert_null(part.values);
    in = (predict_input){.n = 4, .values = values};
    part = predict_input_part(s.session, &in, 3, 1);
    assert_ptr_equal(part.values, values + 3 * SIZE);
    assert_null(part.stored);
    in = (predict_input){.n = 4, .field = {[ODEON_ROLE_INPUT] = values}};
    part = predict_input_part(s.session, &in, 2, 2);
    assert_ptr_equal(part.given[ODEON_ROLE_INPUT], values + 2 * SIZE);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_bytes_are_stored_as_they_are),
        WITH_FOLDER(test_whole_numbers_become_bytes_where_they_fit),
        WITH_FOLDER(test_floats_are_the_numbers_that_bytes_stand_for),
        WITH_FOLDER(test_transformed_floats_are_the_models_input),
        WITH_FOLDER(test_shapes_and_dtypes_must_fit),
        WITH_FOLDER(test_numbers_far_out_of_range_are_refused),
        WITH_FOLDER(test_other_files_are_refused),
        WITH_FOLDER(test_a_part_points_to_its_samples),
    };
    return cmocka_run_group_tests_name("predict_input", tests, NULL, NULL);
}
