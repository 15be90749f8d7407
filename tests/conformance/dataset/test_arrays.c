/* The data set arrays as a plugin: an .npz as numpy.savez writes it, shapes, classes, and damage.
 */
#include "support.h"
#include "support_dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/dataset.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

enum { ROOM = 4096 };

static char path[] = "/tmp/odeon-test-XXXXXX";
static registry *plugins;
static unsigned char zip[ROOM];
static size_t zip_bytes;

/* ---- a zip file of stored entries (APPNOTE 4.3) ---- */

static void add(const void *data, size_t bytes)
{
    assert_true(zip_bytes + bytes <= ROOM);
    memcpy(zip + zip_bytes, data, bytes);
    zip_bytes += bytes;
}

static void add_number(uint64_t x, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        unsigned char byte = (unsigned char)(x >> (8 * i));
        add(&byte, 1);
    }
}

static void add_zeros(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        add_number(0, 1);
    }
}

/* The part that local and central headers have in common: no version, no sum is looked at. */
static void add_header(const char *name, size_t bytes)
{
    add_zeros(2 + 2 + 4 + 4); /* flags, method 0, time, sum */
    add_number(bytes, 4);
    add_number(bytes, 4);
    add_number(strlen(name), 2);
    add_number(0, 2);
}

typedef struct entry {
    const char *name, *header;
    const void *data;
    size_t bytes, at;
} entry;

static void add_local(entry *e)
{
    e->at = zip_bytes;
    add_number(0x04034b50, 4);
    add_number(20, 2);
    add_header(e->name, 128 + e->bytes);
    add(e->name, strlen(e->name));
    add("\x93NUMPY\x01\x00\x76\x00", 10);
    char header[119];
    (void)snprintf(header, sizeof header, "%-117s\n", e->header);
    add(header, 118);
    add(e->data, e->bytes);
}

static void add_central(const entry *e)
{
    add_number(0x02014b50, 4);
    add_number(20, 2);
    add_number(20, 2);
    add_header(e->name, 128 + e->bytes);
    add_zeros(2 + 2 + 2 + 4); /* comment, disk, attributes */
    add_number(e->at, 4);
    add(e->name, strlen(e->name));
}

static void make_zip(void)
{
    static const double x[6] = {1, 10, 3, 10, 5, 40};
    static const int8_t y[3] = {0, 1, 1};
    static const float z[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    entry entries[] = {
        {"x.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }", x, sizeof x, 0},
        {"y.npy", "{'descr': '|i1', 'fortran_order': False, 'shape': (3,), }", y, sizeof y, 0},
        {"z.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2, 2), }", z, sizeof z,
         0}};
    zip_bytes = 0;
    add_local(&entries[0]);
    add_local(&entries[1]);
    add_local(&entries[2]);
    size_t at = zip_bytes;
    add_central(&entries[0]);
    add_central(&entries[1]);
    add_central(&entries[2]);
    size_t end = zip_bytes;
    add_number(0x06054b50, 4);
    add_number(0, 4);
    add_number(3, 2);
    add_number(3, 2);
    add_number(end - at, 4);
    add_number(at, 4);
    add_number(0, 2);
}

static void put(size_t bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(zip, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    (void)state;
    plugins = support_registry();
    int fd = mkstemp(path);
    make_zip();
    put(zip_bytes);
    return fd >= 0 ? close(fd) : -1;
}

static int tear_down(void **state)
{
    (void)state;
    registry_destroy(plugins);
    return unlink(path);
}

static instance *make(const char *options)
{
    char expression[200];
    (void)snprintf(expression, sizeof expression, "arrays(path=%s, test_fraction=0, %s)", path,
                   options);
    diag_clear();
    return support_instance(plugins, ODEON_KIND_DATASET, expression, 0, 0);
}

/* ---- the data set ---- */

static void test_samples_and_classes(void **state)
{
    (void)state;
    const int64_t indices[] = {2, 0};
    double x[4];
    int64_t y[2];
    void *const fields[2] = {x, y};
    instance *set = make("shape=2, classes=2");
    dataset_assert_opens(set, ODEON_SPLIT_TRAIN, 3);
    assert_int_equal(dataset_ops_of(set)->get_batch(set->self, 2, indices, fields), ODEON_OK);
    assert_true(x[0] == 5.0 && x[1] == 40.0 && x[2] == 1.0 && x[3] == 10.0);
    assert_true(y[0] == 1 && y[1] == 0);
    instance_destroy(set);
}

static void test_labels_of_several_numbers_keep_their_shape(void **state)
{
    (void)state;
    const int64_t indices[] = {2, 0};
    double x[4], label[8];
    void *const fields[2] = {x, label};
    char where[100];
    odeon_field_info info = {.struct_size = sizeof info};
    instance *set = make("shape=2, label=z, label_shape=2 2, split=last");
    assert_int_equal(dataset_ops_of(set)->field(set->self, 1, &info), ODEON_OK);
    assert_true(info.role == ODEON_ROLE_LABEL && info.dtype == ODEON_DTYPE_F64 &&
                info.classes == 0);
    assert_true(info.ndim == 2 && info.dim[0] == 2 && info.dim[1] == 2);
    dataset_assert_opens(set, ODEON_SPLIT_TRAIN, 3);
    assert_int_equal(dataset_ops_of(set)->get_batch(set->self, 2, indices, fields), ODEON_OK);
    for (int i = 0; i < 4; i++) {
        assert_true(label[i] == 8 + i && label[4 + i] == i);
    }
    dataset_ops_of(set)->locate(set->self, 2, 1, 3, where, sizeof where);
    assert_string_equal(where, "array 'z', sample 2, element 3");
    instance_destroy(set);
}

static void test_labels_are_not_standardized(void **state)
{
    (void)state;
    const int64_t index = 1;
    double x[2], label[4], mean[4], deviation[4];
    int32_t is_standard = 1;
    void *const fields[2] = {x, label};
    instance *set = make("shape=2, label=z, label_shape=2 2, standardize=yes");
    dataset_assert_opens(set, ODEON_SPLIT_TRAIN, 3);
    assert_int_equal(dataset_ops_of(set)->get_batch(set->self, 1, &index, fields), ODEON_OK);
    assert_true(x[0] == 0.0 && label[0] == 4.0 && label[3] == 7.0);
    assert_int_equal(dataset_ops_of(set)->standard(set->self, 1, mean, deviation, &is_standard),
                     ODEON_OK);
    assert_int_equal(is_standard, 0);
    instance_destroy(set);
}

static void test_standardized_by_the_last_dimension(void **state)
{
    (void)state;
    const int64_t indices[] = {0};
    double x[2], y[1], mean[2], deviation[2];
    int32_t is_standard = 0;
    void *const fields[2] = {x, y};
    instance *set = make("shape=2, standardize=yes");
    dataset_assert_opens(set, ODEON_SPLIT_TRAIN, 3);
    assert_int_equal(dataset_ops_of(set)->get_batch(set->self, 1, indices, fields), ODEON_OK);
    assert_true(fabs(x[0] + sqrt(1.5)) < 1e-14); /* 1 of 1, 3, 5 */
    assert_true(fabs(x[1] + sqrt(0.5)) < 1e-14); /* 10 of 10, 10, 40 */
    assert_int_equal(dataset_ops_of(set)->standard(set->self, 0, mean, deviation, &is_standard),
                     ODEON_OK);
    assert_true(is_standard == 1 && mean[0] == 3.0 && mean[1] == 20.0);
    instance_destroy(set);
}

static void assert_refused(const char *options, const char *reason)
{
    int64_t length, before = mem_live_blocks();
    instance *set = make(options);
    assert_int_equal(dataset_open(set, ODEON_SPLIT_TRAIN, &length), ODEON_ERR_DATA);
    if (strstr(diag_message(), reason) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", diag_message(), reason);
    }
    instance_destroy(set);
    assert_int_equal(mem_live_blocks(), before);
}

static void test_what_does_not_fit_is_refused(void **state)
{
    (void)state;
    assert_refused("shape=3", "the array 'x' is [3,2], expected [N,3]");
    assert_refused("shape=2, label=none", "the array 'none' is missing, expected [N");
    assert_refused("shape=2, label=z, label_shape=4", "the array 'z' is [3,2,2], expected [N,4]");
    assert_refused("shape=2, label=z, label_shape=2", "the array 'z' is [3,2,2], expected [N,2]");
    assert_refused("shape=2, label=z",
                   "'z' is [3,2,2], expected [N]: label_shape says what one label is");
    assert_refused("shape=2, label_shape=2 2", "the array 'y' is [3], expected [N,2,2]");
    assert_refused("shape=2, classes=1", "'y' of sample 1 is 1, but classes = 1 allows");
    assert_refused("shape=1, inputs=y, label=y, standardize=yes, split=last, fold=1/3",
                   "is the same in all samples to train on");
}

/* No length of a file that ends early is read beyond its end. */
static void test_a_file_that_ends_early_is_refused(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < zip_bytes; bytes += bytes < 40 ? 1 : 17) {
        int64_t length;
        put(bytes);
        instance *set = make("shape=2");
        assert_int_equal(dataset_open(set, ODEON_SPLIT_TRAIN, &length), ODEON_ERR_DATA);
        instance_destroy(set);
    }
    put(zip_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_and_classes),
        cmocka_unit_test(test_labels_of_several_numbers_keep_their_shape),
        cmocka_unit_test(test_labels_are_not_standardized),
        cmocka_unit_test(test_standardized_by_the_last_dimension),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
        cmocka_unit_test(test_a_file_that_ends_early_is_refused),
    };
    return cmocka_run_group_tests_name("arrays", tests, set_up, tear_down);
}
