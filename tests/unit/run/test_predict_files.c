#include "run/predict_files.h"

#include <math.h>
#include <string.h>

#include "support_session.h"

#include "base/diag.h"
#include "base/mem.h"
#include "run_fixture.h"

static const char classes[] = "[run]\nworkers = 1\ndtype = float64\n"
                              "[data]\ndataset = drawn(shape=2, classes=2, length=8)\n"
                              "[model.head]\nlayer = dense(units=classes)\n"
                              "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

static const char numbers[] = "[run]\nworkers = 1\ndtype = float64\n"
                              "[data]\ndataset = measured(shape=2, label=2, length=8)\n"
                              "[model.head]\nlayer = dense(units=2)\n"
                              "[train]\nloss = mse\noptimizer = sgd(lr=0.1)\n";

/* Two samples of two outputs; the second one's softmax would overflow if it were naive. */
static double output[4] = {0.0, 0.0, 1000.0, 1001.0}, truth[4] = {1.0, 0.0, 0.5, -0.25};
static int64_t labels[2] = {0, 1}, rows[2] = {7, 3};

static predictions of_classes(void)
{
    return (predictions){.n = 2,
                         .size = 2,
                         .ndim = 2,
                         .dim = {2, 2},
                         .output = output,
                         .labels = labels,
                         .rows = rows,
                         .truth = truth,
                         .truth_size = 1};
}

static predictions of_numbers(void)
{
    predictions p = of_classes();
    p.labels = NULL;
    p.truth_size = 2;
    return p;
}

static void test_names_say_the_format(void **state)
{
    (void)state;
    assert_int_equal(predict_check_name("a.csv"), ODEON_OK);
    assert_int_equal(predict_check_name("a.safetensors"), ODEON_OK);
    assert_int_equal(predict_check_name("-"), ODEON_OK);
    diag_clear();
    assert_int_equal(predict_check_name("a.npy"), ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), "--out a.npy: must end in .safetensors or .csv, or be - or "
                                        "a pipe, which get CSV");
}

static void test_lines_of_classes_have_probabilities(void **state)
{
    (void)state;
    support_session s = support_session_open(classes, 2, NULL);
    predictions p = of_classes();
    support_require(predict_write("a.csv", s.session, ODEON_DTYPE_F64, &p), "write");
    char *text = run_fixture_read("a.csv");
    static const char start[] = "row,true,label,p0,p1\n7,1,0,0.5,0.5\n3,0,1,0.2689414213699951,";
    assert_memory_equal(text, start, sizeof start - 1);
    mem_free(text);
    p.truth = NULL;
    support_require(predict_write("b.csv", s.session, ODEON_DTYPE_F64, &p), "write");
    text = run_fixture_read("b.csv");
    assert_memory_equal(text, "row,label,p0,p1\n7,0,0.5,0.5\n3,1,", 32);
    mem_free(text);
    support_session_close(&s);
}

static void test_lines_of_numbers_have_outputs(void **state)
{
    (void)state;
    support_session s = support_session_open(numbers, 2, NULL);
    predictions p = of_numbers();
    support_require(predict_write("a.csv", s.session, ODEON_DTYPE_F64, &p), "write");
    run_fixture_assert_contents("a.csv", "row,true0,true1,y0,y1\n7,1,0,0,0\n"
                                         "3,0.5,-0.25,1000,1001\n");
    support_session_close(&s);
}

static const safetensors_entry *find(const safetensors *file, const char *name, uint32_t dtype,
                                     int32_t ndim, int64_t last)
{
    const safetensors_entry *e = safetensors_find(file, name);
    if (e == NULL) {
        fail_msg("%s is missing", name);
    }
    assert_int_equal(e->dtype, dtype);
    assert_int_equal(e->ndim, ndim);
    assert_int_equal(e->dim[0], 2);
    assert_int_equal(e->dim[ndim - 1], last);
    return e;
}

static void test_tensors_of_classes_are_in_the_runs_dtype(void **state)
{
    (void)state;
    static const uint32_t dtypes[] = {ODEON_DTYPE_F64, ODEON_DTYPE_F32};
    support_session s = support_session_open(classes, 2, NULL);
    predictions p = of_classes();
    for (int i = 0; i < 2; i++) {
        safetensors *file = NULL;
        double found[4];
        support_require(predict_write("a.safetensors", s.session, dtypes[i], &p), "write");
        support_require(safetensors_read("a.safetensors", &file), "read");
        assert_int_equal(safetensors_count(file), 5);
        support_require(safetensors_as_f64(find(file, "output", dtypes[i], 2, 2), found), "f64");
        assert_memory_equal(found, output, sizeof output);
        support_require(safetensors_as_f64(find(file, "probabilities", dtypes[i], 2, 2), found),
                        "f64");
        assert_true(found[0] == 0.5 && fabs(found[2] + found[3] - 1.0) <= 1e-7);
        assert_memory_equal(find(file, "labels", ODEON_DTYPE_I64, 1, 2)->data, labels,
                            sizeof labels);
        assert_memory_equal(find(file, "rows", ODEON_DTYPE_I64, 1, 2)->data, rows, sizeof rows);
        static const int64_t expected[2] = {1, 0};
        assert_memory_equal(find(file, "true_labels", ODEON_DTYPE_I64, 1, 2)->data, expected,
                            sizeof expected);
        safetensors_destroy(file);
    }
    support_session_close(&s);
}

static void test_tensors_of_numbers_are_outputs_and_labels(void **state)
{
    (void)state;
    support_session s = support_session_open(numbers, 2, NULL);
    predictions p = of_numbers();
    safetensors *file = NULL;
    double found[4];
    support_require(predict_write("a.safetensors", s.session, ODEON_DTYPE_F32, &p), "write");
    support_require(safetensors_read("a.safetensors", &file), "read");
    assert_int_equal(safetensors_count(file), 3);
    assert_null(safetensors_find(file, "labels"));
    support_require(safetensors_as_f64(find(file, "true_labels", ODEON_DTYPE_F32, 2, 2), found),
                    "f64");
    assert_memory_equal(found, truth, sizeof truth);
    safetensors_destroy(file);
    support_session_close(&s);
}

static void test_what_cannot_be_written_is_reported(void **state)
{
    (void)state;
    support_session s = support_session_open(classes, 2, NULL);
    predictions p = of_classes();
    diag_clear();
    assert_int_equal(predict_write("a.txt", s.session, ODEON_DTYPE_F64, &p), ODEON_ERR_CONFIG);
    diag_clear();
    assert_int_equal(predict_write("none/a.csv", s.session, ODEON_DTYPE_F64, &p), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "none/a.csv"));
    static const char *const files[] = {"a.csv", "a.safetensors"};
    int64_t before = mem_live_blocks();
    for (int i = 0; i < 2; i++) {
        for (int64_t n = 1; n <= 2; n++) {
            diag_clear();
            mem_fail_at(n);
            assert_int_equal(predict_write(files[i], s.session, ODEON_DTYPE_F32, &p),
                             ODEON_ERR_NOMEM);
            mem_fail_at(0);
            char *expected = mem_printf("%s: no memory", files[i]);
            assert_string_equal(diag_message(), expected);
            mem_free(expected);
            assert_int_equal(mem_live_blocks(), before);
        }
    }
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_say_the_format),
        WITH_FOLDER(test_lines_of_classes_have_probabilities),
        WITH_FOLDER(test_lines_of_numbers_have_outputs),
        WITH_FOLDER(test_tensors_of_classes_are_in_the_runs_dtype),
        WITH_FOLDER(test_tensors_of_numbers_are_outputs_and_labels),
        WITH_FOLDER(test_what_cannot_be_written_is_reported),
    };
    return cmocka_run_group_tests_name("predict_files", tests, NULL, NULL);
}
