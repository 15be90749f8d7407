/* A batch as tensors of a file: which tensors it must have, what they may hold, and who owns what
 * was read. */
#include "data/batch_file.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "folder.h"
#include "format/safetensors_write.h"
#include "support.h"

static int open_folder(void **state)
{
    static folder f;
    f = folder_create();
    *state = &f;
    diag_clear();
    return 0;
}

static int close_folder(void **state)
{
    folder_remove(*state);
    return 0;
}

/* ---- a batch of two samples ---- */

static const float x_values[] = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f};
static const int64_t classes[] = {2, 0};
static const double times[] = {0.0, 0.5, 0.0, 1.0};
static const unsigned char masks[] = {1, 0};
static const float controls[] = {-1.0f, -2.0f};

/* Classes, two times, a mask and a control, whatever a test leaves of them. */
static data_fields make_fields(void)
{
    data_fields fields = {.n_fields = 5, .index = {0, 1, 2, 3, 4, -1}};
    fields.of[ODEON_ROLE_INPUT] =
        (odeon_field_info){.dtype = ODEON_DTYPE_F32, .ndim = 1, .dim = {3}, .scale = 1.0};
    fields.of[ODEON_ROLE_LABEL] =
        (odeon_field_info){.dtype = ODEON_DTYPE_I64, .classes = 3, .scale = 1.0};
    fields.of[ODEON_ROLE_TIME] =
        (odeon_field_info){.dtype = ODEON_DTYPE_F64, .ndim = 1, .dim = {2}, .scale = 1.0};
    fields.of[ODEON_ROLE_MASK] = (odeon_field_info){.dtype = ODEON_DTYPE_U8, .scale = 1.0};
    fields.of[ODEON_ROLE_CONTROL] =
        (odeon_field_info){.dtype = ODEON_DTYPE_F32, .ndim = 1, .dim = {1}, .scale = 1.0};
    return fields;
}

/* What the model takes: [batch, 3]. */
static odeon_shape make_input(uint32_t dtype)
{
    return (odeon_shape){.dim = {4, 3}, .ndim = 2, .dtype = dtype};
}

enum { X, Y, TIME, MASK, CONTROL, N_TENSORS };

static void make_tensors(safetensors_entry *out)
{
    const safetensors_entry all[N_TENSORS] = {
        {"x", ODEON_DTYPE_F32, 2, {2, 3}, x_values, sizeof x_values},
        {"y", ODEON_DTYPE_I64, 1, {2}, classes, sizeof classes},
        {"time", ODEON_DTYPE_F64, 2, {2, 2}, times, sizeof times},
        {"mask", ODEON_DTYPE_U8, 1, {2}, masks, sizeof masks},
        {"control", ODEON_DTYPE_F32, 2, {2, 1}, controls, sizeof controls}};
    memcpy(out, all, sizeof all);
}

static const char *write_file(const folder *f, size_t n, const safetensors_entry *tensors)
{
    static char path[512];
    (void)snprintf(path, sizeof path, "%s", folder_file(f, "batch"));
    assert_int_equal(safetensors_write(path, n, tensors, 0, NULL), ODEON_OK);
    return path;
}

static void free_all(double *field[DATA_ROLES])
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        mem_free(field[role]);
    }
}

/* ---- names and dtypes ---- */

static void test_fields_have_names_and_dtypes(void **state)
{
    (void)state;
    static const char *const names[] = {"x", "y", "time", "mask", "control", "length"};
    data_fields fields = make_fields();
    static const int32_t f32[] = {ODEON_DTYPE_F32, ODEON_DTYPE_I64, ODEON_DTYPE_F64,
                                  ODEON_DTYPE_F32, ODEON_DTYPE_F32, ODEON_DTYPE_F32};
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        assert_string_equal(batch_file_name(role), names[role]);
        assert_int_equal(batch_file_dtype(&fields, role, ODEON_DTYPE_F32), f32[role]);
        bool whole = role == ODEON_ROLE_LABEL;
        assert_int_equal(batch_file_dtype(&fields, role, ODEON_DTYPE_F64),
                         whole ? ODEON_DTYPE_I64 : ODEON_DTYPE_F64);
    }
    fields.of[ODEON_ROLE_LABEL].classes = 0;
    assert_int_equal(batch_file_dtype(&fields, ODEON_ROLE_LABEL, ODEON_DTYPE_F32), ODEON_DTYPE_F32);
}

/* ---- reading ---- */

static void assert_values(const double *values, size_t n, const double *expected)
{
    assert_non_null(values);
    assert_memory_equal(values, expected, n * sizeof *values);
}

static void test_every_field_is_read(void **state)
{
    safetensors_entry tensors[N_TENSORS];
    make_tensors(tensors);
    const char *path = write_file(*state, N_TENSORS, tensors);
    data_fields fields = make_fields();
    odeon_shape input = make_input(ODEON_DTYPE_F32);
    double *field[DATA_ROLES];
    int64_t n = 0, live = mem_live_blocks();
    assert_int_equal(batch_file_read(path, &input, &fields, &n, field), ODEON_OK);
    assert_int_equal(n, 2);
    assert_int_equal(mem_live_blocks() - live, 5); /* the caller's, and nothing else */
    assert_values(field[ODEON_ROLE_INPUT], 6, (const double[]){1, 2, 3, 4, 5, 6});
    assert_values(field[ODEON_ROLE_LABEL], 2, (const double[]){2, 0});
    assert_values(field[ODEON_ROLE_TIME], 4, times);
    assert_values(field[ODEON_ROLE_MASK], 2, (const double[]){1, 0});
    assert_values(field[ODEON_ROLE_CONTROL], 2, (const double[]){-1, -2});
    free_all(field);
}

static void test_fields_that_the_data_set_has_not_are_left_out(void **state)
{
    safetensors_entry tensors[N_TENSORS];
    make_tensors(tensors);
    const char *path = write_file(*state, N_TENSORS, tensors);
    data_fields fields = make_fields();
    odeon_shape input = make_input(ODEON_DTYPE_F32);
    double *field[DATA_ROLES];
    int64_t n;
    fields.index[ODEON_ROLE_TIME] = fields.index[ODEON_ROLE_CONTROL] = -1;
    assert_int_equal(batch_file_read(path, &input, &fields, &n, field), ODEON_OK);
    assert_null(field[ODEON_ROLE_TIME]);
    assert_null(field[ODEON_ROLE_CONTROL]);
    assert_non_null(field[ODEON_ROLE_MASK]);
    free_all(field);
}

/* What is wrong with a file of these tensors; "PATH: " stands before it. */
static void assert_refused(const folder *f, size_t n_tensors, const safetensors_entry *tensors,
                           const char *message)
{
    char expected[1024];
    const char *path = write_file(f, n_tensors, tensors);
    data_fields fields = make_fields();
    odeon_shape input = make_input(ODEON_DTYPE_F32);
    double *field[DATA_ROLES];
    int64_t n, live = mem_live_blocks();
    diag_clear();
    assert_int_equal(batch_file_read(path, &input, &fields, &n, field), ODEON_ERR_DATA);
    (void)snprintf(expected, sizeof expected, "%s: %s", path, message);
    assert_string_equal(diag_message(), expected);
    free_all(field);
    assert_int_equal(mem_live_blocks(), live);
}

static void test_x_has_the_shape_that_the_model_takes(void **state)
{
    safetensors_entry tensors[N_TENSORS];
    make_tensors(tensors);
    assert_refused(*state, N_TENSORS - 1, tensors + 1, "no tensor x of F32 or F64");
    tensors[X].dim[0] = 3;
    tensors[X].dim[1] = 2;
    assert_refused(*state, N_TENSORS, tensors, "x is 3x2, but samples are 3, so it must be Nx3");
    tensors[X].ndim = 1;
    tensors[X].dim[0] = 6;
    assert_refused(*state, N_TENSORS, tensors, "x is 6, but samples are 3, so it must be Nx3");
    tensors[X] = (safetensors_entry){"x", ODEON_DTYPE_F32, 2, {0, 3}, NULL, 0};
    assert_refused(*state, N_TENSORS, tensors, "x holds no sample");
    tensors[X] = (safetensors_entry){"x", ODEON_DTYPE_U8, 2, {2, 3}, "abcdef", 6};
    assert_refused(*state, N_TENSORS, tensors, "no tensor x of F32 or F64");
}

static void test_other_fields_have_one_entry_a_sample(void **state)
{
    safetensors_entry tensors[N_TENSORS];
    make_tensors(tensors);
    assert_refused(*state, 1, tensors,
                   "tensor y (label) is missing, expected 2: one a sample of x");
    assert_refused(*state, N_TENSORS - 1, tensors,
                   "tensor control (control) is missing, expected 2x1: one a sample of x");
    tensors[Y].dim[0] = 1;
    tensors[Y].bytes = 8;
    assert_refused(*state, N_TENSORS, tensors,
                   "tensor y (label) is 1, expected 2: one a sample of x");
    make_tensors(tensors);
    tensors[TIME].ndim = 3;
    tensors[TIME].dim[2] = 1;
    assert_refused(*state, N_TENSORS, tensors,
                   "tensor time (time) is 2x2x1, expected 2x2: one a sample of x");
    tensors[TIME] = (safetensors_entry){"time", ODEON_DTYPE_F64, 2, {2, 1}, times, 16};
    assert_refused(*state, N_TENSORS, tensors,
                   "tensor time (time) is 2x1, expected 2x2: one a sample of x");
}

static void test_classes_are_whole_numbers_below_their_count(void **state)
{
    static const struct {
        double value;
        const char *message;
    } cases[] = {{3.0, "y[1] is 3, expected 0 to 2"},
                 {-1.0, "y[1] is -1, expected 0 to 2"},
                 {0.5, "y[1] is 0.5, expected 0 to 2"},
                 {(double)NAN, "y[1] is nan, expected 0 to 2"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        safetensors_entry tensors[N_TENSORS];
        const double y[] = {1.0, cases[i].value};
        make_tensors(tensors);
        tensors[Y] = (safetensors_entry){"y", ODEON_DTYPE_F64, 1, {2}, y, sizeof y};
        assert_refused(*state, N_TENSORS, tensors, cases[i].message);
    }
}

static void test_a_file_that_cannot_be_read(void **state)
{
    const folder *f = *state;
    data_fields fields = make_fields();
    odeon_shape input = make_input(ODEON_DTYPE_F32);
    double *field[DATA_ROLES];
    int64_t n;
    assert_int_equal(batch_file_read(folder_file(f, "none"), &input, &fields, &n, field),
                     ODEON_ERR_IO);
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        assert_null(field[role]);
    }
}

static void test_every_allocation_may_fail(void **state)
{
    safetensors_entry tensors[N_TENSORS];
    make_tensors(tensors);
    const char *path = write_file(*state, N_TENSORS, tensors);
    data_fields fields = make_fields();
    odeon_shape input = make_input(ODEON_DTYPE_F32);
    int64_t live = mem_live_blocks(), k = 0;
    odeon_status status = ODEON_ERR_NOMEM;
    while (status == ODEON_ERR_NOMEM && k < 50) {
        double *field[DATA_ROLES];
        int64_t n;
        mem_fail_at(++k);
        status = batch_file_read(path, &input, &fields, &n, field);
        mem_fail_at(0);
        free_all(field);
        assert_int_equal(mem_live_blocks(), live);
    }
    assert_int_equal(status, ODEON_OK);
    assert_true(k > 8); /* five fields, and those of the file */
}

/* ---- one field ---- */

static void test_one_field_is_read_alone(void **state)
{
    safetensors_entry tensors[N_TENSORS];
    make_tensors(tensors);
    const char *path = write_file(*state, N_TENSORS, tensors);
    data_fields fields = make_fields();
    safetensors *file;
    double *out = NULL;
    assert_int_equal(safetensors_read(path, &file), ODEON_OK);
    assert_int_equal(batch_file_field(path, file, &fields, ODEON_ROLE_TIME, 2, &out), ODEON_OK);
    assert_values(out, 4, times);
    mem_free(out);
    assert_int_equal(batch_file_field(path, file, &fields, ODEON_ROLE_TIME, 3, &out),
                     ODEON_ERR_DATA);
    assert_null(out);
    fields.of[ODEON_ROLE_LABEL].classes = 2; /* one of them is 2 */
    int64_t live = mem_live_blocks();
    assert_int_equal(batch_file_field(path, file, &fields, ODEON_ROLE_LABEL, 2, &out),
                     ODEON_ERR_DATA);
    assert_null(out);
    assert_int_equal(mem_live_blocks(), live);
    safetensors_destroy(file);
}

/* ---- the numbers ---- */

typedef struct numbers {
    double of[DATA_ROLES][6];
    double *field[DATA_ROLES];
} numbers;

static void begin(numbers *x)
{
    *x = (numbers){.of = {{0.0}}};
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        x->field[role] = x->of[role];
    }
    x->of[ODEON_ROLE_MASK][0] = x->of[ODEON_ROLE_MASK][1] = 1.0;
}

static odeon_status check(const numbers *x, uint32_t dtype)
{
    data_fields fields = make_fields();
    odeon_shape input = make_input(dtype);
    fields.of[ODEON_ROLE_LABEL].classes = 0;
    diag_clear();
    return batch_file_check("a.st", &fields, 2, &input, (const double *const *)x->field);
}

static void test_finite_numbers_are_taken(void **state)
{
    (void)state;
    numbers x;
    begin(&x);
    x.of[ODEON_ROLE_INPUT][5] = -(double)FLT_MAX;
    x.of[ODEON_ROLE_TIME][3] = DBL_MAX; /* times are float64 in every run */
    assert_int_equal(check(&x, ODEON_DTYPE_F32), ODEON_OK);
    x.of[ODEON_ROLE_INPUT][5] = DBL_MAX;
    assert_int_equal(check(&x, ODEON_DTYPE_F64), ODEON_OK);
    x.field[ODEON_ROLE_INPUT] = NULL; /* is not there */
    assert_int_equal(check(&x, ODEON_DTYPE_F32), ODEON_OK);
}

static void test_others_are_named(void **state)
{
    (void)state;
    numbers x;
    begin(&x);
    x.of[ODEON_ROLE_INPUT][4] = (double)NAN;
    assert_int_equal(check(&x, ODEON_DTYPE_F64), ODEON_ERR_DATA);
    assert_string_equal(diag_message(), "a.st: x: element 1 of sample 1 is nan, no finite number");
    begin(&x);
    x.of[ODEON_ROLE_TIME][2] = (double)INFINITY;
    assert_int_equal(check(&x, ODEON_DTYPE_F32), ODEON_ERR_DATA);
    assert_string_equal(diag_message(),
                        "a.st: time: element 0 of sample 1 is inf, no finite number");
    begin(&x);
    x.of[ODEON_ROLE_CONTROL][0] = -1e39;
    assert_int_equal(check(&x, ODEON_DTYPE_F32), ODEON_ERR_DATA);
    assert_string_equal(diag_message(), "a.st: control: element 0 of sample 0 is -1e+39, beyond "
                                        "float32: scale it, or give run.dtype = float64");
}

static void test_labels_that_the_mask_leaves_out_may_be_anything(void **state)
{
    (void)state;
    numbers x;
    begin(&x);
    x.of[ODEON_ROLE_LABEL][1] = (double)NAN;
    x.of[ODEON_ROLE_MASK][1] = 0.0;
    assert_int_equal(check(&x, ODEON_DTYPE_F32), ODEON_OK);
    x.of[ODEON_ROLE_MASK][1] = 0.5;
    assert_int_equal(check(&x, ODEON_DTYPE_F32), ODEON_ERR_DATA);
    assert_string_equal(diag_message(), "a.st: y: element 0 of sample 1 is nan, no finite number");
    x.field[ODEON_ROLE_MASK] = NULL;
    assert_int_equal(check(&x, ODEON_DTYPE_F32), ODEON_ERR_DATA);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, open_folder, close_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_have_names_and_dtypes),
        WITH_FOLDER(test_every_field_is_read),
        WITH_FOLDER(test_fields_that_the_data_set_has_not_are_left_out),
        WITH_FOLDER(test_x_has_the_shape_that_the_model_takes),
        WITH_FOLDER(test_other_fields_have_one_entry_a_sample),
        WITH_FOLDER(test_classes_are_whole_numbers_below_their_count),
        WITH_FOLDER(test_a_file_that_cannot_be_read),
        WITH_FOLDER(test_every_allocation_may_fail),
        WITH_FOLDER(test_one_field_is_read_alone),
        cmocka_unit_test(test_finite_numbers_are_taken),
        cmocka_unit_test(test_others_are_named),
        cmocka_unit_test(test_labels_that_the_mask_leaves_out_may_be_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
