/* The data set csv as a plugin: its options, its fields, its splits, its batches. What can be wrong
 * within a file is the matter of test_csv_table. */
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

enum { ROWS = 20 };

/* ---- a file of ROWS rows: a = row, b = row / 4, c = -row, class = row % 3 ---- */

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
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        return -1;
    }
    (void)fprintf(file, "a,b,c,class\n");
    for (int i = 0; i < ROWS; i++) {
        (void)fprintf(file, "%d,%g,%d,%d\n", i, i / 4.0, -i, i % 3);
    }
    f->registry = support_registry();
    *state = f;
    diag_clear();
    return fclose(file);
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
    char expression[256];
    (void)snprintf(expression, sizeof expression, "csv(path=%s, %s)", f->path, options);
    return support_instance(f->registry, ODEON_KIND_DATASET, expression, 0, 0);
}

static void assert_refused(instance *x, int32_t split, odeon_status expected, const char *reason)
{
    int64_t length, before = mem_live_blocks();
    odeon_status status = dataset_open(x, split, &length);
    if (status != expected || strstr(diag_message(), reason) == NULL) {
        fail_msg("status %d, \"%s\" lacks \"%s\"", (int)status, diag_message(), reason);
    }
    assert_int_equal(length, -1);
    assert_int_equal(mem_live_blocks(), before);
}

/* ---- options and fields ---- */

static void assert_field(instance *x, int32_t index, odeon_field_info expected)
{
    odeon_field_info found = {.struct_size = sizeof found};
    assert_int_equal(dataset_ops_of(x)->field(x->self, index, &found), ODEON_OK);
    assert_int_equal(found.struct_size, sizeof found);
    assert_int_equal(found.role, expected.role);
    assert_int_equal(found.dtype, expected.dtype);
    assert_int_equal(found.ndim, expected.ndim);
    assert_memory_equal(found.dim, expected.dim, sizeof found.dim);
    assert_int_equal(found.classes, expected.classes);
    assert_true(found.scale == 1.0 && found.shift == 0.0);
}

static void test_fields_of_a_classification(void **state)
{
    instance *x = make(*state, "inputs=a 1..2, label=class, classes=3");
    assert_int_equal(dataset_ops_of(x)->field_count(x->self), 2);
    assert_field(x, 0,
                 (odeon_field_info){
                     .role = ODEON_ROLE_INPUT, .dtype = ODEON_DTYPE_F64, .ndim = 1, .dim = {3}});
    assert_field(
        x, 1, (odeon_field_info){.role = ODEON_ROLE_LABEL, .dtype = ODEON_DTYPE_I64, .classes = 3});
    instance_destroy(x);
}

static void test_fields_of_a_regression(void **state)
{
    instance *x = make(*state, "inputs=a, label=b c");
    assert_field(x, 0,
                 (odeon_field_info){
                     .role = ODEON_ROLE_INPUT, .dtype = ODEON_DTYPE_F64, .ndim = 1, .dim = {1}});
    assert_field(x, 1,
                 (odeon_field_info){
                     .role = ODEON_ROLE_LABEL, .dtype = ODEON_DTYPE_F64, .ndim = 1, .dim = {2}});
    instance_destroy(x);
}

static void test_a_field_that_is_not_there_is_refused(void **state)
{
    instance *x = make(*state, "inputs=a, label=b");
    odeon_field_info info = {.struct_size = sizeof info};
    assert_int_equal(dataset_ops_of(x)->field(x->self, 2, &info), ODEON_ERR_INTERNAL);
    assert_int_equal(dataset_ops_of(x)->field(x->self, -1, &info), ODEON_ERR_INTERNAL);
    instance_destroy(x);
}

static odeon_status create_status(const fixture *f, const char *expression)
{
    location where = {.file = "test"};
    odeon_config *config;
    instance *x;
    diag_clear();
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
        {"csv(path=/, label=1)", "inputs"},
        {"csv(path=/, inputs=0)", "label"},
        {"csv(path=/, inputs=a, label=b, header=no)", "'a': columns have no names"},
        {"csv(path=/, inputs=0, label=b, header=no)", "'b': columns have no names"},
        {"csv(path=/, inputs=0, label=1 2, classes=3)", "label: names 2 columns"},
        {"csv(path=/, inputs=3..1, label=0)", "inputs: '3..1'"},
        {"csv(path=/, inputs=0, label=3..1)", "label: '3..1'"},
        {"csv(path=/, inputs=0, label=1, classes=-1)", "classes"},
        {"csv(path=/, inputs=0, label=1, test_fraction=1)", "test_fraction"},
        {"csv(path=/, inputs=0, label=1, test_fraction=-0.1)", "test_fraction"},
        {"csv(path=/, inputs=0, label=1, separator=space)", "separator"},
    };
    assert_int_equal(create_status(*state, "csv(path=/, inputs=0, label=1, header=no)"), ODEON_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int64_t before = mem_live_blocks();
        if (create_status(*state, wrong[i][0]) != ODEON_ERR_CONFIG ||
            strstr(diag_message(), wrong[i][1]) == NULL) {
            fail_msg("%s: %s", wrong[i][0], diag_message());
        }
        assert_int_equal(mem_live_blocks(), before);
    }
}

static void test_every_failing_allocation_of_create_is_survived(void **state)
{
    static const char good[] = "csv(path=/, inputs=0 1, label=2)";
    int64_t n = 0, before;
    odeon_status status = create_status(*state, good); /* loads the plugin */
    assert_int_equal(status, ODEON_OK);
    before = mem_live_blocks();
    do {
        mem_fail_at(++n);
        status = create_status(*state, good);
        mem_fail_at(0);
        assert_int_equal(mem_live_blocks(), before);
    } while (status == ODEON_ERR_NOMEM && n < 200);
    assert_int_equal(status, ODEON_OK);
    assert_true(n > 4); /* two lists, their union, the instance, and what the host needs */
}

/* ---- splits ---- */

/* The rows of a split, from column a. */
static int64_t rows_of(const fixture *f, const char *options, int32_t split, double rows[ROWS])
{
    char all[128];
    int64_t length, indices[ROWS];
    double labels[ROWS];
    void *const fields[2] = {rows, labels};
    (void)snprintf(all, sizeof all, "inputs=a, label=c%s", options);
    instance *x = make(f, all);
    if (dataset_open(x, split, &length) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    for (int64_t i = 0; i < length; i++) {
        indices[i] = i;
    }
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, length, indices, fields), ODEON_OK);
    for (int64_t i = 0; i < length; i++) {
        assert_true(labels[i] == -rows[i]);
    }
    instance_destroy(x);
    return length;
}

static void test_every_row_is_in_one_split(void **state)
{
    double train[ROWS], test[ROWS];
    int seen[ROWS] = {0};
    assert_int_equal(rows_of(*state, ", test_fraction=0.3", ODEON_SPLIT_TRAIN, train), 14);
    assert_int_equal(rows_of(*state, ", test_fraction=0.3", ODEON_SPLIT_TEST, test), 6);
    for (int i = 0; i < 14; i++) {
        seen[(int)train[i]]++;
        assert_true(i == 0 || train[i] > train[i - 1]); /* in the file's order */
    }
    for (int i = 0; i < 6; i++) {
        seen[(int)test[i]]++;
        assert_true(i == 0 || test[i] > test[i - 1]);
    }
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(seen[i], 1);
    }
}

static void test_the_split_is_one_for_ever(void **state)
{
    /* From Fisher-Yates over Philox4x32-10 with Python's integers. */
    static const double seed_0[] = {3, 10, 11, 12}, seed_7[] = {1, 5, 12, 16};
    double test[ROWS];
    assert_int_equal(rows_of(*state, "", ODEON_SPLIT_TEST, test), 4);
    assert_memory_equal(test, seed_0, sizeof seed_0);
    assert_int_equal(rows_of(*state, ", split_seed=7", ODEON_SPLIT_TEST, test), 4);
    assert_memory_equal(test, seed_7, sizeof seed_7);
}

/* Rows are their first column, groups b (of four rows each, by their whole part), classes class. */
static void test_three_splits_share_all_rows(void **state)
{
    static const char *const ways[] = {
        ", test_fraction=0.25, validation_fraction=0.2",
        ", test_fraction=0.25, validation_fraction=0.2, split=last",
        ", fold=2/4, validation_fraction=0.2",
    };
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        double rows[3][ROWS];
        int seen[ROWS] = {0};
        for (int32_t split = 0; split < 3; split++) {
            int64_t n = rows_of(*state, ways[way], split, rows[split]);
            assert_int_equal(n, split == ODEON_SPLIT_TRAIN  ? 11
                                : split == ODEON_SPLIT_TEST ? 5
                                                            : 4);
            for (int64_t i = 0; i < n; i++) {
                seen[(int)rows[split][i]]++;
            }
        }
        for (int i = 0; i < ROWS; i++) {
            assert_int_equal(seen[i], 1);
        }
        if (way == 1) {
            assert_true(rows[ODEON_SPLIT_TEST][0] == 15.0);
            assert_true(rows[ODEON_SPLIT_VALIDATION][0] == 11.0);
        }
    }
}

static void test_folds_test_every_row_once(void **state)
{
    int seen[ROWS] = {0};
    for (int fold = 1; fold <= 3; fold++) {
        char options[32];
        double rows[ROWS];
        (void)snprintf(options, sizeof options, ", fold=%d/3", fold);
        int64_t n = rows_of(*state, options, ODEON_SPLIT_TEST, rows);
        assert_int_equal(n, fold == 1 ? 6 : 7);
        for (int64_t i = 0; i < n; i++) {
            seen[(int)rows[i]]++;
        }
    }
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(seen[i], 1);
    }
}

/* Every class gives its share; a group stays whole. */
static void test_classes_and_groups_are_shared_out(void **state)
{
    int64_t length, indices[ROWS], labels[ROWS];
    double inputs[ROWS], mask[ROWS], rows[ROWS];
    void *const fields[3] = {inputs, labels, mask};
    int count[3] = {0};
    instance *x = make(*state, "inputs=a, label=class, classes=3, split=stratified, "
                               "test_fraction=0.3, weight=a");
    assert_int_equal(dataset_open(x, ODEON_SPLIT_TEST, &length), ODEON_OK);
    for (int64_t i = 0; i < length; i++) {
        indices[i] = i;
    }
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, length, indices, fields), ODEON_OK);
    for (int64_t i = 0; i < length; i++) {
        count[labels[i]]++;
        assert_true(mask[i] == inputs[i]); /* the weight */
    }
    assert_true(count[0] == 2 && count[1] == 2 && count[2] == 2);
    instance_destroy(x);
    int64_t n = rows_of(*state, ", group=class, test_fraction=0.34", ODEON_SPLIT_TEST, rows);
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal((int)rows[i] % 3, (int)rows[0] % 3);
    }
    assert_true(n == 6 || n == 7);
}

/* What one instance fitted another takes, without its file. */
static void test_standardized_columns_and_their_text(void **state)
{
    double inputs[2], labels[2], mean, deviation;
    int32_t is_standard;
    int64_t length;
    const int64_t indices[1] = {19};
    void *const fields[2] = {inputs, labels};
    instance *x = make(*state, "inputs=a, label=c, standardize=yes, test_fraction=0");
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, ROWS);
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 1, indices, fields), ODEON_OK);
    double spread = sqrt(33.25); /* of 0 .. 19 around 9.5 */
    assert_true(fabs(inputs[0] - 9.5 / spread) < 1e-15 && fabs(labels[0] + inputs[0]) < 1e-15);
    assert_int_equal(dataset_ops_of(x)->standard(x->self, 1, &mean, &deviation, &is_standard), 0);
    assert_true(is_standard == 1 && mean == -9.5 && fabs(deviation - spread) < 1e-14);
    instance *other = make(*state, "inputs=b, label=a, standardize=yes");
    assert_int_equal(
        dataset_ops_of(other)->restore(other->self, dataset_ops_of(x)->fitted(x->self)), ODEON_OK);
    assert_int_equal(dataset_open(other, ODEON_SPLIT_TEST, &length), ODEON_OK);
    assert_int_equal(
        dataset_ops_of(other)->standard(other->self, 0, &mean, &deviation, &is_standard), 0);
    assert_true(mean == 9.5);
    instance_destroy(other);
    other = make(*state, "inputs=a b, label=c, standardize=yes");
    assert_int_equal(
        dataset_ops_of(other)->restore(other->self, dataset_ops_of(x)->fitted(x->self)),
        ODEON_ERR_DATA);
    instance_destroy(other);
    instance_destroy(x);
}

static void test_fraction_0_gives_all_rows_to_both(void **state)
{
    double train[ROWS], test[ROWS];
    assert_int_equal(rows_of(*state, ", test_fraction=0", ODEON_SPLIT_TRAIN, train), ROWS);
    assert_int_equal(rows_of(*state, ", test_fraction=0", ODEON_SPLIT_TEST, test), ROWS);
    for (int i = 0; i < ROWS; i++) {
        assert_true(train[i] == i && test[i] == i);
    }
}

static void test_a_split_without_rows_is_refused(void **state)
{
    instance *x = make(*state, "inputs=a, label=b, test_fraction=0.01");
    assert_refused(x, ODEON_SPLIT_TEST, ODEON_ERR_DATA,
                   "test_fraction = 0.01 of its 20 rows leaves none to test on");
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, ROWS);
    instance_destroy(x);
    x = make(*state, "inputs=a, label=b, test_fraction=0.99");
    assert_refused(x, ODEON_SPLIT_TRAIN, ODEON_ERR_DATA, "leaves none to train on");
    instance_destroy(x);
}

/* ---- files ---- */

static void test_a_missing_file_is_named(void **state)
{
    const fixture *f = *state;
    instance *x = support_instance(f->registry, ODEON_KIND_DATASET,
                                   "csv(path=/nonexistent/x.csv, inputs=0, label=1)", 0, 0);
    assert_refused(x, ODEON_SPLIT_TRAIN, ODEON_ERR_DATA, "/nonexistent/x.csv: no such file");
    instance_destroy(x);
}

static void test_a_label_that_is_no_class_is_refused(void **state)
{
    instance *x = make(*state, "inputs=a, label=class, classes=2");
    assert_refused(x, ODEON_SPLIT_TRAIN, ODEON_ERR_DATA,
                   ":4: the label is 2, but classes = 2 allows whole numbers from 0 to 1");
    instance_destroy(x);
    x = make(*state, "inputs=a, label=b, classes=9");
    assert_refused(x, ODEON_SPLIT_TRAIN, ODEON_ERR_DATA, ":3: the label is 0.25, but classes = 9");
    instance_destroy(x);
    x = make(*state, "inputs=a, label=c, classes=9");
    assert_refused(x, ODEON_SPLIT_TRAIN, ODEON_ERR_DATA, ":3: the label is -1, but classes = 9");
    instance_destroy(x);
}

static void test_a_column_that_is_not_there_is_refused(void **state)
{
    instance *x = make(*state, "inputs=a, label=d");
    assert_refused(x, ODEON_SPLIT_TRAIN, ODEON_ERR_DATA, "has no column 'd': 4 columns");
    instance_destroy(x);
}

static void test_opening_twice_is_refused(void **state)
{
    int64_t length;
    instance *x = make(*state, "inputs=a, label=b");
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 16);
    assert_int_equal(dataset_open(x, ODEON_SPLIT_TRAIN, &length), ODEON_ERR_INTERNAL);
    instance_destroy(x);
    x = make(*state, "inputs=a, label=b");
    assert_int_equal(dataset_open(x, 2, &length), ODEON_ERR_INTERNAL);
    instance_destroy(x);
}

/* ---- batches ---- */

static void test_a_batch_has_the_samples_asked_for(void **state)
{
    instance *x = make(*state, "inputs=c b, label=class, classes=3, test_fraction=0");
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, ROWS);
    static const int64_t indices[4] = {19, 0, 19, 5}; /* any order, repeats */
    double inputs[4][2];
    int64_t labels[4];
    void *const fields[2] = {inputs, labels};
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 4, indices, fields), ODEON_OK);
    for (int i = 0; i < 4; i++) {
        assert_true(inputs[i][0] == (double)-indices[i]);
        assert_true(inputs[i][1] == (double)indices[i] / 4.0);
        assert_int_equal(labels[i], indices[i] % 3);
    }
    instance_destroy(x);
}

static void test_samples_that_do_not_exist_are_refused(void **state)
{
    instance *x = make(*state, "inputs=a, label=b, test_fraction=0");
    double input, label;
    void *const fields[2] = {&input, &label};
    static const int64_t wrong[] = {0, ROWS, -1}; /* 0: before open there is none */
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 1, &wrong[0], fields),
                     ODEON_ERR_INTERNAL);
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, ROWS);
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 1, &wrong[1], fields),
                     ODEON_ERR_INTERNAL);
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 1, &wrong[2], fields),
                     ODEON_ERR_INTERNAL);
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 0, NULL, fields), ODEON_OK);
    instance_destroy(x);
}

static void test_every_failing_allocation_is_survived(void **state)
{
    instance *x = make(*state, "inputs=a, label=b");
    int64_t before = mem_live_blocks(), length, n = 0;
    odeon_status status = ODEON_ERR_NOMEM;
    while (status == ODEON_ERR_NOMEM && n < 30) {
        mem_fail_at(++n);
        status = dataset_open(x, ODEON_SPLIT_TRAIN, &length);
        mem_fail_at(0);
        assert_true(status == ODEON_OK || mem_live_blocks() == before);
    }
    assert_int_equal(status, ODEON_OK);
    assert_int_equal(n, 11); /* the text, four parts of the table, the splits and the rows */
    instance_destroy(x);
}

/* ---- the real thing ---- */

static void test_iris_is_read(void **state)
{
    const fixture *f = *state;
    static const char iris[] = "csv(path=" ODEON_SOURCE "/conf/iris.csv, label=species, classes=3, "
                               "inputs=sepal_length sepal_width petal_length petal_width, "
                               "test_fraction=0)";
    int64_t indices[150], labels[150];
    double inputs[150][4], sums[4] = {0};
    void *const fields[2] = {inputs, labels};
    instance *x = support_instance(f->registry, ODEON_KIND_DATASET, iris, 0, 0);
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 150);
    for (int64_t i = 0; i < 150; i++) {
        indices[i] = i;
    }
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 150, indices, fields), ODEON_OK);
    for (int i = 0; i < 150; i++) {
        assert_int_equal(labels[i], i / 50);
        for (int k = 0; k < 4; k++) {
            sums[k] += inputs[i][k];
        }
    }
    /* Means as published: 5.843, 3.057, 3.758, 1.199; sums of 150 values of one decimal. */
    static const double expected[] = {876.5, 458.6, 563.7, 179.9};
    for (int k = 0; k < 4; k++) {
        assert_true(sums[k] > expected[k] - 1e-9 && sums[k] < expected[k] + 1e-9);
    }
    instance_destroy(x);
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILE(test_fields_of_a_classification),
        WITH_FILE(test_fields_of_a_regression),
        WITH_FILE(test_a_field_that_is_not_there_is_refused),
        WITH_FILE(test_options_that_cannot_be_are_refused),
        WITH_FILE(test_every_failing_allocation_of_create_is_survived),
        WITH_FILE(test_every_row_is_in_one_split),
        WITH_FILE(test_the_split_is_one_for_ever),
        WITH_FILE(test_three_splits_share_all_rows),
        WITH_FILE(test_folds_test_every_row_once),
        WITH_FILE(test_classes_and_groups_are_shared_out),
        WITH_FILE(test_standardized_columns_and_their_text),
        WITH_FILE(test_fraction_0_gives_all_rows_to_both),
        WITH_FILE(test_a_split_without_rows_is_refused),
        WITH_FILE(test_a_missing_file_is_named),
        WITH_FILE(test_a_label_that_is_no_class_is_refused),
        WITH_FILE(test_a_column_that_is_not_there_is_refused),
        WITH_FILE(test_opening_twice_is_refused),
        WITH_FILE(test_a_batch_has_the_samples_asked_for),
        WITH_FILE(test_samples_that_do_not_exist_are_refused),
        WITH_FILE(test_every_failing_allocation_is_survived),
        WITH_FILE(test_iris_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
