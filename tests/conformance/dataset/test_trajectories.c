/* The data set trajectories as a plugin: its sources, its windows, its times and masks. */
#include "support.h"
#include "support_dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "odeon/dataset.h"
#include "plugin/component.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

typedef struct fixture {
    char path[32];
    registry *registry;
} fixture;

static int set_up(void **state)
{
    fixture *f = malloc(sizeof *f);
    if (f == NULL) {
        return -1;
    }
    (void)snprintf(f->path, sizeof f->path, "/tmp/odeon-test-XXXXXX");
    int fd = mkstemp(f->path);
    f->registry = support_registry();
    *state = f;
    diag_clear();
    return fd >= 0 ? close(fd) : -1;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    int result = unlink(f->path);
    registry_destroy(f->registry);
    free(f);
    return result;
}

static instance *make(const fixture *f, const char *options)
{
    char expression[300];
    (void)snprintf(expression, sizeof expression, "trajectories(%s)", options);
    return support_instance(f->registry, ODEON_KIND_DATASET, expression, 0, 0);
}

/* An instance that reads text. */
static instance *make_csv(const fixture *f, const char *text, const char *options)
{
    char all[256];
    FILE *file = fopen(f->path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    (void)snprintf(all, sizeof all, "source=csv(path=%s), %s", f->path, options);
    return make(f, all);
}

static void assert_refused(instance *x, int32_t split, const char *reason)
{
    int64_t length, before = mem_live_blocks();
    odeon_status status = dataset_open(x, split, &length);
    if (status != ODEON_ERR_DATA || strstr(diag_message(), reason) == NULL) {
        fail_msg("status %d, \"%s\" lacks \"%s\"", (int)status, diag_message(), reason);
    }
    assert_int_equal(length, -1);
    assert_int_equal(mem_live_blocks(), before);
    instance_destroy(x);
}

enum { ROOM = 64 };

/* Room for a few windows. */
typedef struct windows {
    double input[ROOM], label[ROOM], time[ROOM];
    uint8_t mask[ROOM];
} windows;

static void read_windows(const instance *x, int64_t n, const int64_t *indices, windows *out)
{
    void *const fields[4] = {out->input, out->label, out->time, out->mask};
    memset(out, 0x55, sizeof *out);
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, n, indices, fields), ODEON_OK);
}

static void assert_numbers(const double *found, int n, const double *expected)
{
    for (int i = 0; i < n; i++) {
        if (found[i] != expected[i]) {
            fail_msg("number %d is %.17g, expected %.17g", i, found[i], expected[i]);
        }
    }
}
#define ASSERT_NUMBERS(found, ...)                                                                 \
    assert_numbers(found, (int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)),                 \
                   (double[]){__VA_ARGS__})

/* ---- fields and options ---- */

static void assert_field(const instance *x, int32_t index, int32_t role, uint32_t dtype, int64_t a,
                         int64_t b)
{
    odeon_field_info info = {.struct_size = sizeof info};
    assert_int_equal(dataset_ops_of(x)->field(x->self, index, &info), ODEON_OK);
    assert_int_equal(info.role, role);
    assert_int_equal(info.flags, role == ODEON_ROLE_TIME ? ODEON_FIELD_RELATIVE : 0);
    assert_int_equal(info.dtype, dtype);
    assert_int_equal(info.ndim, b > 0 ? 2 : 1);
    assert_int_equal(info.dim[0], a);
    assert_int_equal(info.dim[1], b);
    assert_int_equal(info.classes, 0);
    assert_true(info.scale == 1.0 && info.shift == 0.0);
}

static void test_fields_are_known_without_files(void **state)
{
    odeon_field_info info = {.struct_size = sizeof info};
    instance *spiral = make(*state, "window=7"),
             *csv = make(*state, "source=csv(path=/nowhere), values=1..3, window=4, missing=mask");
    assert_int_equal(dataset_ops_of(spiral)->field_count(spiral->self), 3);
    assert_field(spiral, 0, ODEON_ROLE_INPUT, ODEON_DTYPE_F64, 7, 2);
    assert_field(spiral, 1, ODEON_ROLE_LABEL, ODEON_DTYPE_F64, 7, 2);
    assert_field(spiral, 2, ODEON_ROLE_TIME, ODEON_DTYPE_F64, 7, 0);
    assert_int_equal(dataset_ops_of(spiral)->field(spiral->self, 3, &info), ODEON_ERR_INTERNAL);
    assert_int_equal(dataset_ops_of(spiral)->field(spiral->self, -1, &info), ODEON_ERR_INTERNAL);
    assert_int_equal(dataset_ops_of(csv)->field_count(csv->self), 4);
    assert_field(csv, 0, ODEON_ROLE_INPUT, ODEON_DTYPE_F64, 4, 3);
    assert_field(csv, 3, ODEON_ROLE_MASK, ODEON_DTYPE_U8, 4, 3);
    instance_destroy(spiral);
    instance_destroy(csv);
}

static odeon_status create_status(const fixture *f, const char *options)
{
    char expression[300];
    location where = {.file = "test"};
    odeon_config *config;
    instance *x;
    diag_clear();
    (void)snprintf(expression, sizeof expression, "trajectories(%s)", options);
    odeon_status status = component_read(f->registry, ODEON_KIND_DATASET, expression, where, "data",
                                         "/", 0, NULL, &config);
    if (status == ODEON_OK) {
        status = instance_create(config, "data", &x);
        if (status == ODEON_OK) {
            instance_destroy(x);
        }
        schema_destroy(config);
    }
    return status;
}

static void test_options_that_cannot_be_are_refused(void **state)
{
    static const char *const wrong[][2] = {
        {"window=0", "window"},
        {"points=1", "points"},
        {"until=0", "until"},
        {"test_fraction=1", "test_fraction"},
        {"values=1", "are for source = csv"},
        {"missing=mask", "are for source = csv"},
        {"continuity=yes, input=window", "continuity: needs input = window and stride = 9"},
        {"continuity=yes, stride=9", "continuity: needs input = window"},
        {"source=csv(path=/x), values=1, missing=mask, label=slopes", "no slopes where values"},
        {"controls=1", "are for source = csv"},
        {"source=csv(path=/x), values=1, controls=3..1", "controls: '3..1'"},
        {"source=csv(path=/x), values=1, controls=u, header=no", "'u': columns have no names"},
        {"source=circle", "source"},
        {"source=csv", "source"},
        {"source=csv(path=/x)", "values: must name"},
        {"source=csv(path=/x), values=3..1", "values: '3..1'"},
        {"source=csv(path=/x), values=1, time=3..1", "time: '3..1'"},
        {"source=csv(path=/x), values=1, time=0 1", "time: names more than one"},
        {"source=csv(path=/x), values=a, header=no", "'a': columns have no names"},
        {"source=csv(path=/x), values=1, time=t, header=no", "'t': columns have no names"},
    };
    assert_int_equal(create_status(*state, "source=csv(path=/x), values=1, header=no"), ODEON_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int64_t before = mem_live_blocks();
        if (create_status(*state, wrong[i][0]) != ODEON_ERR_CONFIG ||
            strstr(diag_message(), wrong[i][1]) == NULL) {
            fail_msg("%s: %s", wrong[i][0], diag_message());
        }
        assert_int_equal(mem_live_blocks(), before);
    }
}

/* ---- the spiral ---- */

static void test_the_spiral_is_exact(void **state)
{
    /* y' = A^T y^3 by DOP853 of SciPy at tolerance 3e-14: at rows 1, 10, 500 and 999 of 1000 */
    static const int64_t rows[4] = {1, 10, 500, 999};
    static const double expected[8] = {
        1.9795056224761263,  0.39435661435028646, 0.024158247884600137, 1.8413266460973505,
        -0.6315560752438658, 0.2142830205753376,  -0.44362348669866203, 0.2794406416188518};
    instance *x = make(*state, "window=1");
    windows w;
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 1000);
    read_windows(x, 4, rows, &w);
    for (int i = 0; i < 8; i++) {
        assert_true(fabs(w.input[i] - expected[i]) < 1e-10);
    }
    read_windows(x, 1, (int64_t[]){0}, &w);
    ASSERT_NUMBERS(w.input, 2.0, 0.0);
    instance_destroy(x);
}

static void test_windows_of_the_spiral_have_one_grid(void **state)
{
    instance *x = make(*state, "window=10, points=101, until=2.5");
    windows w;
    static const int64_t indices[3] = {0, 91, 40};
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 92);
    read_windows(x, 3, indices, &w);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 10; k++) {
            assert_true(w.time[i * 10 + k] == w.time[k]); /* to the bit */
            assert_true(fabs(w.time[k] - 0.025 * k) < 1e-15);
        }
    }
    assert_memory_equal(w.input, w.label, 60 * sizeof(double));
    instance_destroy(x);
}

static void test_coarser_points_lie_on_the_same_curve(void **state)
{
    instance *fine = make(*state, "window=1, points=1001, until=10"),
             *coarse = make(*state, "window=1, points=11, until=10");
    windows a, b;
    dataset_assert_opens(fine, ODEON_SPLIT_TRAIN, 1001);
    dataset_assert_opens(coarse, ODEON_SPLIT_TRAIN, 11);
    read_windows(fine, 1, (int64_t[]){700}, &a);
    read_windows(coarse, 1, (int64_t[]){7}, &b);
    assert_true(fabs(a.input[0] - b.input[0]) < 1e-10 && fabs(a.input[1] - b.input[1]) < 1e-10);
    instance_destroy(fine);
    instance_destroy(coarse);
}

/* ---- rows of a file ---- */

static void test_windows_start_at_any_row(void **state)
{
    instance *x =
        make_csv(*state, "t,a,b\n10,1,2\n20,3,4\n30,5,6\n40,7,8\n", "time=t, values=b a, window=3");
    windows w;
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 2);
    read_windows(x, 2, (int64_t[]){1, 0}, &w);
    ASSERT_NUMBERS(w.input, 4, 3, 6, 5, 8, 7, 2, 1, 4, 3, 6, 5);
    ASSERT_NUMBERS(w.label, 4, 3, 6, 5, 8, 7, 2, 1, 4, 3, 6, 5);
    ASSERT_NUMBERS(w.time, 0, 10, 20, 0, 10, 20);
    assert_int_equal(w.mask[0], 0x55); /* nobody asked for masks */
    instance_destroy(x);
}

static void test_the_last_rows_are_those_to_test_on(void **state)
{
    static const char text[] = "0;1\n1;2\n2;3\n3;4\n4;5\n5;6\n6;7\n7;8\n8;9\n9;10\n";
    static const char options[] =
        "values=1, header=no, separator=semicolon, window=2, test_fraction=0.3";
    windows w;
    instance *x = make_csv(*state, text, options);
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 6); /* rows 0 to 6 */
    read_windows(x, 1, (int64_t[]){5}, &w);
    ASSERT_NUMBERS(w.input, 6, 7);
    instance_destroy(x);
    x = make_csv(*state, text, options);
    dataset_assert_opens(x, ODEON_SPLIT_TEST, 2); /* rows 7 to 9 */
    read_windows(x, 2, (int64_t[]){0, 1}, &w);
    ASSERT_NUMBERS(w.input, 8, 9, 9, 10);
    instance_destroy(x);
    x = make_csv(*state, text, "values=1, header=no, separator=semicolon, window=2");
    dataset_assert_opens(x, ODEON_SPLIT_TEST, 9); /* fraction 0: all of them */
    instance_destroy(x);
}

static void test_times_that_are_rounded_are_one_grid(void **state)
{
    instance *x =
        make_csv(*state, "t,y\n0,0\n0.3333,1\n0.6667,2\n1.0000,3\n1.3333,4\n1.6667,5\n2,6\n",
                 "values=y, window=3");
    windows w;
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 5);
    read_windows(x, 2, (int64_t[]){0, 1}, &w);
    for (int k = 0; k < 3; k++) {
        assert_true(w.time[k] == w.time[3 + k]);
        assert_true(fabs(w.time[k] - k / 3.0) < 1e-15);
    }
    instance_destroy(x);
}

static void test_other_times_are_those_of_the_rows(void **state)
{
    instance *x = make_csv(*state, "t,y\n1,0\n2,1\n4,2\n8,3\n", "values=y, window=3");
    windows w;
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 2);
    read_windows(x, 2, (int64_t[]){0, 1}, &w);
    ASSERT_NUMBERS(w.time, 0, 1, 3, 0, 2, 6);
    instance_destroy(x);
    x = make_csv(*state, "t,y\n5,7\n", "values=y, window=1"); /* one row has no distance */
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 1);
    read_windows(x, 1, (int64_t[]){0}, &w);
    ASSERT_NUMBERS(w.time, 0);
    ASSERT_NUMBERS(w.input, 7);
    instance_destroy(x);
}

static void test_empty_cells_are_masked(void **state)
{
    instance *x = make_csv(*state, "t,a,b\n0,1,2\n1,,4\n2,5,6\n3,7,\n4,,\n5,9,10\n",
                           "values=a b, window=2, missing=mask");
    windows w;
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 2); /* only rows 0 and 2 are whole */
    read_windows(x, 2, (int64_t[]){0, 1}, &w);
    ASSERT_NUMBERS(w.input, 1, 2, 0, 4, 5, 6, 7, 0);
    ASSERT_NUMBERS(w.label, 1, 2, 0, 4, 5, 6, 7, 0);
    assert_memory_equal(w.mask, ((uint8_t[]){1, 1, 0, 1, 1, 1, 1, 0}), 8);
    instance_destroy(x);
}

static void test_files_that_do_not_do_are_refused(void **state)
{
    assert_refused(make_csv(*state, "t,y\n0,1\n0,2\n", "values=y, window=1"), ODEON_SPLIT_TRAIN,
                   ":3: the time is not larger than the last");
    assert_refused(make_csv(*state, "t,y\n1,1\n0,2\n", "values=y, window=1"), ODEON_SPLIT_TRAIN,
                   ":3: the time is not larger than the last");
    assert_refused(make_csv(*state, "t,y\n,1\n0,2\n", "values=y, window=1, missing=mask"),
                   ODEON_SPLIT_TRAIN, ":2: the time is missing");
    assert_refused(make_csv(*state, "t,y\n0,1\n1,\n", "values=y, window=1"), ODEON_SPLIT_TRAIN,
                   ":3: column 'y': empty");
    assert_refused(make_csv(*state, "t,y\n0,\n1,\n2,3\n", "values=y, window=2, missing=mask"),
                   ODEON_SPLIT_TRAIN, "every row that a window could start at lacks a value");
    assert_refused(make_csv(*state, "t,y\n0,1\n1,2\n", "values=y, window=3"), ODEON_SPLIT_TRAIN,
                   "2 rows to train on, too few for a window of 3");
    assert_refused(make(*state, "window=10, points=50, test_fraction=0.1"), ODEON_SPLIT_TEST,
                   "5 rows to test on, too few for a window of 10");
    assert_refused(make(*state, "source=csv(path=/nonexistent/x), values=1"), ODEON_SPLIT_TRAIN,
                   "/nonexistent/x: no such file");
}

/* ---- classes ---- */

static const char turns[] = "s,t,a,kind\nu,0,1,red\nu,1,2,red\nu,2,3,red\nv,0,4,blue\nv,1,5,blue\n"
                            "w,0,6,red\nw,1,7,red\n";
static const char class_options[] =
    "time=t, values=a, id=s, label_column=kind, classes=2, window=2";

static void test_the_class_of_a_series_is_the_label(void **state)
{
    odeon_field_info info = {.struct_size = sizeof info};
    const int64_t indices[4] = {0, 1, 2, 3}, expected[4] = {1, 1, 0, 1};
    double input[8], time[8];
    int64_t label[4];
    char where[200];
    void *const fields[3] = {input, label, time};
    instance *x = make_csv(*state, turns, class_options);
    const odeon_dataset_ops *ops = dataset_ops_of(x);
    assert_int_equal(ops->field_count(x->self), 3);
    assert_int_equal(ops->field(x->self, 1, &info), ODEON_OK);
    assert_true(info.role == ODEON_ROLE_LABEL && info.dtype == ODEON_DTYPE_I64 && info.ndim == 0);
    assert_int_equal(info.classes, 2);
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 4);
    assert_int_equal(ops->get_batch(x->self, 4, indices, fields), ODEON_OK);
    assert_memory_equal(label, expected, sizeof label);
    ASSERT_NUMBERS(input, 1.0, 2.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0);
    assert_string_equal(ops->class_name(x->self, 0), "blue");
    assert_string_equal(ops->class_name(x->self, 1), "red");
    assert_null(ops->class_name(x->self, 2));
    assert_non_null(strstr(ops->fitted(x->self), "class blue"));
    ops->locate(x->self, 2, 1, 0, where, sizeof where);
    assert_non_null(strstr(where, ":5, column 'kind'"));
    instance_destroy(x);
}

/* Padding is no label's then: there is a length, and no mask. */
static void test_classes_of_padded_series_have_no_mask(void **state)
{
    const int64_t indices[3] = {0, 1, 2};
    double input[9], time[9];
    int64_t label[3], length[3];
    void *const fields[4] = {input, label, time, length};
    instance *x = make_csv(
        *state, turns, "time=t, values=a, id=s, label_column=kind, classes=2, window=3, pad=yes");
    assert_int_equal(dataset_ops_of(x)->field_count(x->self), 4);
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 3);
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 3, indices, fields), ODEON_OK);
    assert_true(length[0] == 3 && length[1] == 2 && length[2] == 2 && label[1] == 0);
    ASSERT_NUMBERS(input, 1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 6.0, 7.0, 7.0);
    instance_destroy(x);
}

/* A file to predict may lack the column; classes are then those of the weights. */
static void test_classes_need_not_be_there_in_a_file_to_predict(void **state)
{
    const fixture *f = *state;
    int64_t length, label[2];
    int32_t labelled = -1;
    double input[4], time[4];
    const int64_t indices[2] = {0, 1};
    void *const fields[3] = {input, label, time};
    for (int known = 0; known < 2; known++) {
        instance *x = make_csv(f, turns, class_options);
        const odeon_dataset_ops *ops = dataset_ops_of(x);
        assert_int_equal(ops->restore(x->self, "class blue\nclass red\n"), ODEON_OK);
        FILE *file = fopen(f->path, "w");
        assert_non_null(file);
        assert_true(fputs(known != 0 ? "s,t,a,kind\nu,0,8,blue\nu,1,9,blue\nv,0,1,red\nv,1,2,red\n"
                                     : "s,t,a\nu,0,8\nu,1,9\nv,0,1\nv,1,2\n",
                          file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(ops->open_file(x->self, f->path, &length, &labelled), ODEON_OK);
        assert_true(length == 2 && labelled == known);
        assert_int_equal(ops->get_batch(x->self, 2, indices, fields), ODEON_OK);
        assert_true(label[0] == 0 && label[1] == known && input[1] == 9.0);
        instance_destroy(x);
    }
}

static void test_classes_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *text, *options, *reason;
    } cases[] = {
        {"s,t,a,k\nu,0,1,red\nu,1,2,blue\n",
         "time=t, values=a, id=s, label_column=k, classes=2, window=2",
         ":3: the class changes from 'red' to 'blue': it has to be the same in all rows"},
        {"s,t,a,k\nu,0,1,red\nu,1,2,red\n",
         "time=t, values=a, id=s, label_column=k, classes=2, window=2",
         "series are of 1 different classes in the training split, but classes = 2: red"},
        {"s,t,a,k\nu,0,1,0\nu,1,2,0\nv,0,1,2\nv,1,1,2\n",
         "time=t, values=a, id=s, label_column=k, classes=2, window=2",
         ":4: the class is 2, but classes = 2 allows whole numbers from 0 to 1"},
        {"s,t,a,k\nu,0,1,\nu,1,2,\n", "time=t, values=a, id=s, label_column=k, classes=2, window=2",
         ":2: column 'k': empty"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_refused(make_csv(*state, cases[i].text, cases[i].options), ODEON_SPLIT_TRAIN,
                       cases[i].reason);
    }
}

/* ---- calls ---- */

static void test_misuse_is_refused(void **state)
{
    instance *x = make(*state, "window=2, points=3");
    windows w;
    int64_t length;
    void *const fields[3] = {w.input, w.label, w.time};
    static const int64_t wrong[] = {0, 2, -1}; /* 0: before open there is none */
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 1, &wrong[0], fields),
                     ODEON_ERR_INTERNAL);
    assert_int_equal(dataset_open(x, 2, &length), ODEON_ERR_INTERNAL);
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 2);
    assert_int_equal(dataset_open(x, ODEON_SPLIT_TRAIN, &length), ODEON_ERR_INTERNAL);
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 1, &wrong[1], fields),
                     ODEON_ERR_INTERNAL);
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 1, &wrong[2], fields),
                     ODEON_ERR_INTERNAL);
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 0, NULL, fields), ODEON_OK);
    instance_destroy(x);
}

static void survive_failing_allocations(instance *x, int64_t allocations)
{
    int64_t before = mem_live_blocks(), length, n = 0;
    odeon_status status = ODEON_ERR_NOMEM;
    while (status == ODEON_ERR_NOMEM && n < 30) {
        mem_fail_at(++n);
        status = dataset_open(x, ODEON_SPLIT_TRAIN, &length);
        mem_fail_at(0);
        assert_true(status == ODEON_OK || mem_live_blocks() == before);
    }
    assert_int_equal(status, ODEON_OK);
    assert_int_equal(n, allocations + 1);
    instance_destroy(x);
}

static void test_every_failing_allocation_is_survived(void **state)
{
    /* the curve, the rows, three parts of a list, three of the series, the splits, the windows */
    survive_failing_allocations(make(*state, "window=2, points=3"), 10);
    survive_failing_allocations(make_csv(*state, "t,y\n0,1\n1,2\n", "values=y, window=1"), 13);
}

/* Behind the mask where there is one, in its place where there is none. */
static void test_controls_are_a_field(void **state)
{
    static const char text[] = "t,a,u,v\n0,1,10,0.5\n1,2,20,0.25\n2,,30,0.125\n3,4,40,0\n";
    static const char whole[] = "t,a,u,v\n0,1,10,0.5\n1,2,20,0.25\n2,3,30,0.125\n3,4,40,0\n";
    const int64_t indices[1] = {1};
    char where[200];
    for (int masked = 0; masked < 2; masked++) {
        windows w;
        double control[ROOM];
        instance *x =
            make_csv(*state, masked != 0 ? text : whole,
                     masked != 0 ? "time=t, values=a, controls=v u, window=2, missing=mask"
                                 : "time=t, values=a, controls=v u, window=2");
        void *const fields[5] = {w.input, w.label, w.time,
                                 masked != 0 ? (void *)w.mask : (void *)control, control};
        assert_int_equal(dataset_ops_of(x)->field_count(x->self), 4 + masked);
        assert_field(x, 3 + masked, ODEON_ROLE_CONTROL, ODEON_DTYPE_F64, 2, 2);
        dataset_assert_opens(x, ODEON_SPLIT_TRAIN, masked != 0 ? 2 : 3);
        assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 1, indices, fields), ODEON_OK);
        ASSERT_NUMBERS(control, 0.25, 20.0, 0.125, 30.0);
        assert_true(w.input[0] == 2.0 && w.time[1] == 1.0);
        dataset_ops_of(x)->locate(x->self, 1, 3 + masked, 3, where, sizeof where);
        assert_non_null(strstr(where, ":4, column 'u'"));
        instance_destroy(x);
    }
    assert_refused(make_csv(*state, "t,a,u\n0,1,10\n1,2,\n2,3,1\n",
                            "time=t, values=a, controls=u, window=2, missing=mask"),
                   ODEON_SPLIT_TRAIN, ":3: column 'u' is empty: controls have to be there");
}

/* Two series of other lengths, one with a gap: rows that are filled up do not count, times are
 * those of the data, and controls have the slopes of the natural spline through (0,0), (1,1),
 * (2,0). */
static void test_series_of_their_own_lengths_and_times(void **state)
{
    static const char text[] = "id,t,a,u\nx,0,1,0\nx,1,2,1\nx,2,3,0\ny,5,4,7\ny,7,,9\n";
    static const char options[] = "id=id, time=t, values=a, controls=u, window=3, pad=yes, "
                                  "missing=mask, clock=series, control_slopes=yes";
    const int64_t indices[2] = {1, 0};
    windows w;
    double control[ROOM];
    int64_t length[2];
    odeon_field_info info = {.struct_size = sizeof info};
    void *const fields[6] = {w.input, w.label, w.time, w.mask, control, length};
    instance *x = make_csv(*state, text, options);
    assert_int_equal(dataset_ops_of(x)->field_count(x->self), 6);
    assert_int_equal(dataset_ops_of(x)->field(x->self, 2, &info), ODEON_OK);
    assert_int_equal(info.flags, 0); /* not relative */
    assert_int_equal(dataset_ops_of(x)->field(x->self, 5, &info), ODEON_OK);
    assert_int_equal(info.role, ODEON_ROLE_LENGTH);
    assert_int_equal(info.ndim, 0);
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 2);
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 2, indices, fields), ODEON_OK);
    ASSERT_NUMBERS(w.input, 4, 0, 0, 1, 2, 3);
    ASSERT_NUMBERS(w.time, 5, 7, 9, 0, 1, 2);
    assert_memory_equal(w.mask, ((uint8_t[]){1, 0, 0, 1, 1, 1}), 6);
    assert_int_equal(length[0], 2);
    assert_int_equal(length[1], 3);
    ASSERT_NUMBERS(control, 7, 1, 9, 1, 9, 0, 0, 1.5, 1, 0, 0, -1.5);
    assert_int_equal(dataset_ops_of(x)->row(x->self, 1), 3);
    instance_destroy(x);
}

/* Means and deviations of the rows to train on, which are the first two of each series. */
static void test_what_is_fitted_is_of_the_training_rows(void **state)
{
    static const char text[] = "id,t,a\nx,0,1\nx,1,3\nx,2,30\nx,3,40\ny,0,5\ny,1,7\ny,2,0\ny,3,9\n";
    static const char options[] =
        "id=id, time=t, values=a, window=2, standardize=yes, test_fraction=0.5";
    const double deviation = sqrt(5.0);
    const int64_t indices[1] = {0};
    windows w;
    double mean[2], spread[2];
    int32_t is_standard = 0;
    void *const fields[3] = {w.input, w.label, w.time};
    instance *x = make_csv(*state, text, options);
    dataset_assert_opens(x, ODEON_SPLIT_TEST, 2);
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 1, indices, fields), ODEON_OK);
    ASSERT_NUMBERS(w.input, (30 - 4) / deviation, (40 - 4) / deviation);
    assert_int_equal(dataset_ops_of(x)->standard(x->self, 1, mean, spread, &is_standard), ODEON_OK);
    assert_true(is_standard == 1 && mean[1] == 4.0 && spread[0] == deviation);
    assert_int_equal(dataset_ops_of(x)->standard(x->self, 2, mean, spread, &is_standard), ODEON_OK);
    assert_int_equal(is_standard, 0);
    instance *again = make_csv(*state, "id,t,a\nx,0,100\nx,1,100\n", options);
    const char *fitted = dataset_ops_of(x)->fitted(x->self);
    assert_int_equal(dataset_ops_of(again)->restore(again->self, fitted), ODEON_OK);
    assert_string_equal(dataset_ops_of(again)->fitted(again->self), fitted);
    assert_int_equal(dataset_ops_of(again)->standard(again->self, 0, mean, spread, &is_standard),
                     ODEON_OK);
    assert_true(mean[0] == 4.0 && spread[1] == deviation);
    instance_destroy(again);
    again = make_csv(*state, text, options);
    assert_int_equal(dataset_ops_of(again)->restore(again->self, "column 1 2\ncolumn 3 4\n"),
                     ODEON_ERR_DATA);
    instance_destroy(again);
    again = make_csv(*state, text, options);
    assert_int_equal(dataset_ops_of(again)->restore(again->self, "column 1 0\n"), ODEON_ERR_DATA);
    instance_destroy(again);
    instance_destroy(x);
}

/* Series of three and four rows; the slopes are those of the spline through (0,0), (1,1), (2,0). */
static const char two_series[] =
    "id,t,a,b\nx,0,0,4\nx,1,1,3\nx,2,0,2\ny,0,5,0\ny,1,6,3\ny,2,7,6\ny,3,8,9\n";

static void test_a_sample_may_be_its_number(void **state)
{
    const int64_t indices[3] = {2, 0, 1};
    windows w;
    instance *x =
        make_csv(*state, two_series, "id=id, time=t, values=a b, window=2, stride=2, input=window");
    odeon_field_info info = {.struct_size = sizeof info};
    assert_int_equal(dataset_ops_of(x)->field(x->self, 0, &info), ODEON_OK);
    assert_int_equal(info.ndim, 0);
    assert_string_equal(info.name, "number");
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 3);
    read_windows(x, 3, indices, &w);
    ASSERT_NUMBERS(w.input, 2, 0, 1);
    ASSERT_NUMBERS(w.label, 7, 6, 8, 9, 0, 4, 1, 3, 5, 0, 6, 3);
    instance_destroy(x);
    x = make_csv(*state, two_series, "id=id, time=t, values=a b, window=2, stride=2, input=series");
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 3);
    read_windows(x, 3, indices, &w);
    ASSERT_NUMBERS(w.input, 1, 0, 1);
    instance_destroy(x);
}

static void test_labels_may_be_slopes(void **state)
{
    const int64_t indices[2] = {0, 1};
    windows w;
    instance *x =
        make_csv(*state, two_series, "id=id, time=t, values=a b, window=3, stride=3, label=slopes");
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 2);
    read_windows(x, 2, indices, &w);
    ASSERT_NUMBERS(w.input, 0, 4, 1, 3, 0, 2, 5, 0);
    static const double slopes[12] = {1.5, -1, 0, -1, -1.5, -1, 1, 3, 1, 3, 1, 3};
    for (int i = 0; i < 12; i++) {
        assert_true(fabs(w.label[i] - slopes[i]) < 1e-14);
    }
    instance_destroy(x);
}

/* The gap behind a window counts where the next begins at its end: not between series. */
static void test_gaps_between_windows_are_labels(void **state)
{
    const int64_t indices[3] = {2, 1, 0};
    windows w;
    instance *x = make_csv(*state, two_series,
                           "id=id, time=t, values=a, window=3, stride=2, "
                           "input=window, continuity=yes");
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 2);
    instance_destroy(x);
    x = make_csv(*state, two_series,
                 "id=id, time=t, values=a, window=2, stride=1, input=window, continuity=yes");
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 5);
    read_windows(x, 3, indices, &w);
    ASSERT_NUMBERS(w.input, 2, 1, 0);
    ASSERT_NUMBERS(w.label, 5, 0, 6, 0, 1, 0, 0, 0, 0, 0, 1, 0);
    assert_memory_equal(w.mask, ((uint8_t[]){1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1}), 12);
    instance_destroy(x);
}

/* A slope is in units of the deviation; it has no mean to be added. */
static void test_slopes_are_standardized(void **state)
{
    double mean[8], spread[8];
    int32_t is_standard = 0;
    instance *x = make_csv(*state, "t,a\n0,1\n1,3\n2,5\n",
                           "values=a, window=3, standardize=yes, "
                           "label=slopes");
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 1);
    assert_int_equal(dataset_ops_of(x)->standard(x->self, 1, mean, spread, &is_standard), ODEON_OK);
    assert_true(is_standard == 1 && mean[0] == 0.0 && mean[2] == 0.0 && spread[0] > 1.0);
    assert_int_equal(dataset_ops_of(x)->standard(x->self, 0, mean, spread, &is_standard), ODEON_OK);
    assert_true(is_standard == 1 && mean[0] == 3.0);
    instance_destroy(x);
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILE(test_fields_are_known_without_files),
        WITH_FILE(test_a_sample_may_be_its_number),
        WITH_FILE(test_labels_may_be_slopes),
        WITH_FILE(test_gaps_between_windows_are_labels),
        WITH_FILE(test_slopes_are_standardized),
        WITH_FILE(test_options_that_cannot_be_are_refused),
        WITH_FILE(test_the_spiral_is_exact),
        WITH_FILE(test_windows_of_the_spiral_have_one_grid),
        WITH_FILE(test_coarser_points_lie_on_the_same_curve),
        WITH_FILE(test_windows_start_at_any_row),
        WITH_FILE(test_the_last_rows_are_those_to_test_on),
        WITH_FILE(test_times_that_are_rounded_are_one_grid),
        WITH_FILE(test_other_times_are_those_of_the_rows),
        WITH_FILE(test_empty_cells_are_masked),
        WITH_FILE(test_series_of_their_own_lengths_and_times),
        WITH_FILE(test_what_is_fitted_is_of_the_training_rows),
        WITH_FILE(test_controls_are_a_field),
        WITH_FILE(test_files_that_do_not_do_are_refused),
        WITH_FILE(test_the_class_of_a_series_is_the_label),
        WITH_FILE(test_classes_of_padded_series_have_no_mask),
        WITH_FILE(test_classes_need_not_be_there_in_a_file_to_predict),
        WITH_FILE(test_classes_that_are_none_are_refused),
        WITH_FILE(test_misuse_is_refused),
        WITH_FILE(test_every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
