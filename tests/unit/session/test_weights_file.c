#include "session/weights_file.h"

#include <math.h>
#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "captured.h"
#include "folder.h"
#include "format/safetensors_write.h"

static char parameter_path[] = "a.weight";

static param parameter(int64_t rows, int64_t columns)
{
    return (param){.path = parameter_path,
                   .shape = {.ndim = 2, .dim = {rows, columns}},
                   .count = rows * columns};
}

/* One tensor a.weight of 2 x 2 in a file, and the file's path. */
static const char *write(const folder *f, uint32_t dtype, const void *data)
{
    static char path[FOLDER_BYTES + 32];
    safetensors_entry x = {.name = "a.weight",
                           .dtype = dtype,
                           .ndim = 2,
                           .dim = {2, 2},
                           .data = data,
                           .bytes = 4 * (uint64_t)odeon_dtype_bytes(dtype)};
    (void)snprintf(path, sizeof path, "%s", folder_file(f, "w.safetensors"));
    assert_int_equal(safetensors_write(path, 1, &x, 0, NULL), ODEON_OK);
    return path;
}

static void test_a_file_is_opened_and_closed(void **state)
{
    (void)state;
    folder f = folder_create();
    const double numbers[4] = {1.0, 2.0, 3.0, 4.0};
    int64_t before = mem_live_blocks();
    weights_file w;
    const char *path = write(&f, ODEON_DTYPE_F64, numbers);
    assert_int_equal(weights_file_open(path, &w), ODEON_OK);
    assert_string_equal(w.path, path);
    assert_int_equal(safetensors_count(w.tensors), 1);
    weights_file_close(&w);
    assert_null(w.path);
    assert_null(w.tensors);
    weights_file_close(&w);
    assert_int_equal(mem_live_blocks(), before);
    folder_remove(&f);
}

static void test_a_runs_folder_stands_for_its_weights(void **state)
{
    (void)state;
    folder f = folder_create();
    const double numbers[4] = {1.0, 2.0, 3.0, 4.0};
    weights_file w;
    (void)write(&f, ODEON_DTYPE_F64, numbers);
    folder_discard(&f, "weights.safetensors");
    folder_copy(&f, "weights.safetensors", folder_file(&f, "w.safetensors"));
    folder_write(&f, "effective.ini", "[run]\n", 6);
    assert_int_equal(weights_file_open(f.path, &w), ODEON_OK);
    assert_string_equal(w.path, folder_file(&f, "weights.safetensors"));
    weights_file_close(&w);
    folder_remove(&f);
}

static void test_what_cannot_be_opened_leaves_a_closed_file(void **state)
{
    (void)state;
    folder f = folder_create();
    weights_file w;
    diag_clear();
    assert_int_equal(weights_file_open("/nowhere/w.safetensors", &w), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "/nowhere/w.safetensors"));
    assert_null(w.path);
    assert_null(w.tensors);
    folder_write(&f, "w.safetensors", "no tensors", 10);
    diag_clear();
    assert_int_equal(weights_file_open(folder_file(&f, "w.safetensors"), &w), ODEON_ERR_DATA);
    assert_null(w.path);
    assert_null(w.tensors);
    folder_remove(&f);
}

static void assert_not_found(const weights_file *w, const param *p, const char *message)
{
    weights_tensor t;
    diag_clear();
    assert_int_equal(weights_tensor_find(w->tensors, "FILE", p, &t), ODEON_ERR_DATA);
    assert_string_equal(diag_message(), message);
}

static void test_a_tensor_must_be_there_in_shape_and_dtype(void **state)
{
    (void)state;
    folder f = folder_create();
    const double numbers[4] = {1.0, 2.0, 3.0, 4.0};
    const int64_t whole[4] = {1, 2, 3, 4};
    char other_path[] = "b.weight";
    param p = parameter(2, 2), other = parameter(2, 3), missing = p;
    missing.path = other_path;
    weights_file w;
    weights_tensor t;
    assert_int_equal(weights_file_open(write(&f, ODEON_DTYPE_F64, numbers), &w), ODEON_OK);
    assert_int_equal(weights_tensor_find(w.tensors, "FILE", &p, &t), ODEON_OK);
    assert_ptr_equal(t.entry, safetensors_find(w.tensors, "a.weight"));
    assert_false(t.has_warned);
    assert_not_found(&w, &other, "FILE: tensor 'a.weight' is [2, 2], the model needs [2, 3]");
    assert_not_found(&w, &missing,
                     "FILE: tensor 'b.weight' is missing: are these the weights of another model?");
    weights_file_close(&w);
    assert_int_equal(weights_file_open(write(&f, ODEON_DTYPE_I64, whole), &w), ODEON_OK);
    assert_not_found(&w, &p, "FILE: tensor 'a.weight' is neither F32 nor F64");
    weights_file_close(&w);
    folder_remove(&f);
}

/* Of both dtypes, all of it and a part. */
static void test_numbers_are_given_as_double(void **state)
{
    (void)state;
    folder f = folder_create();
    const double wide[4] = {1.5, -2.5, 0x1p-40, 4.0};
    const float narrow[4] = {1.5f, -2.5f, 0x1p-40f, 4.0f};
    const void *const data[] = {wide, narrow};
    static const uint32_t dtypes[] = {ODEON_DTYPE_F64, ODEON_DTYPE_F32};
    param p = parameter(2, 2);
    for (int i = 0; i < 2; i++) {
        weights_file w;
        weights_tensor t;
        double out[4], part[2];
        assert_int_equal(weights_file_open(write(&f, dtypes[i], data[i]), &w), ODEON_OK);
        assert_int_equal(weights_tensor_find(w.tensors, w.path, &p, &t), ODEON_OK);
        assert_int_equal(weights_tensor_numbers(&t, &p, 0, 4, out), ODEON_OK);
        assert_memory_equal(out, wide, sizeof out);
        assert_int_equal(weights_tensor_numbers(&t, &p, 2, 2, part), ODEON_OK);
        assert_memory_equal(part, wide + 2, sizeof part);
        weights_file_close(&w);
    }
    folder_remove(&f);
}

static void test_a_number_that_is_not_finite_is_warned_of_once(void **state)
{
    (void)state;
    folder f = folder_create();
    const double numbers[4] = {1.0, 2.0, (double)INFINITY, (double)INFINITY};
    param p = parameter(2, 2);
    weights_file w;
    weights_tensor t;
    double out[4];
    captured said;
    assert_int_equal(weights_file_open(write(&f, ODEON_DTYPE_F64, numbers), &w), ODEON_OK);
    assert_int_equal(weights_tensor_find(w.tensors, "FILE", &p, &t), ODEON_OK);
    captured_start(&said);
    odeon_status first = weights_tensor_numbers(&t, &p, 2, 2, out);
    odeon_status second = weights_tensor_numbers(&t, &p, 0, 4, out);
    captured_stop(&said);
    assert_int_equal(first, ODEON_OK);
    assert_int_equal(second, ODEON_OK);
    assert_true(t.has_warned);
    assert_string_equal(said.text, "odeon: warning: FILE: tensor 'a.weight' holds inf (element 2): "
                                   "the run that wrote it had failed\n");
    weights_file_close(&w);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_opened_and_closed),
        cmocka_unit_test(test_a_runs_folder_stands_for_its_weights),
        cmocka_unit_test(test_what_cannot_be_opened_leaves_a_closed_file),
        cmocka_unit_test(test_a_tensor_must_be_there_in_shape_and_dtype),
        cmocka_unit_test(test_numbers_are_given_as_double),
        cmocka_unit_test(test_a_number_that_is_not_finite_is_warned_of_once),
    };
    return cmocka_run_group_tests_name("weights_file", tests, NULL, NULL);
}
