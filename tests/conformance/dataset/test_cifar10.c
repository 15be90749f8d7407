/* The data set cifar10 as a plugin: its files, its fields, its batches. */
#include "support.h"
#include "support_dataset.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/dataset.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

enum { RECORD = 3073, IMAGE = 3072 };

/* ---- a folder with the files of a small data set ---- */

typedef struct fixture {
    char folder[32];
    registry *registry;
} fixture;

static const char *const file_names[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                         "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};
enum { N_FILES = sizeof file_names / sizeof file_names[0], TEST_FILE = N_FILES - 1 };

static int set_up(void **state)
{
    fixture *f = malloc(sizeof *f);
    if (f == NULL) {
        return -1;
    }
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/odeon-test-XXXXXX");
    if (mkdtemp(f->folder) == NULL) {
        return -1;
    }
    f->registry = support_registry();
    *state = f;
    diag_clear();
    return 0;
}

static void path_of(const fixture *f, int file, char path[128])
{
    (void)snprintf(path, 128, "%s/%s", f->folder, file_names[file]);
}

static int tear_down(void **state)
{
    fixture *f = *state;
    char path[128];
    for (int i = 0; i < N_FILES; i++) {
        path_of(f, i, path);
        (void)unlink(path);
        (void)rmdir(path);
    }
    int result = rmdir(f->folder);
    registry_destroy(f->registry);
    free(f);
    return result;
}

static unsigned char pixel_of(int file, int record, int at)
{
    return (unsigned char)(file * 50 + record * 7 + at);
}

/* n records, labels 0, 1, 2, ..., and then spare bytes more. */
static void put(const fixture *f, int file, int n, int spare)
{
    static unsigned char records[5 * RECORD];
    char path[128];
    for (int i = 0; i < n; i++) {
        records[i * RECORD] = (unsigned char)i;
        for (int k = 0; k < IMAGE; k++) {
            records[i * RECORD + 1 + k] = pixel_of(file, i, k);
        }
    }
    path_of(f, file, path);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    size_t bytes = (size_t)(n * RECORD + spare);
    assert_int_equal(fwrite(records, 1, bytes, out), bytes);
    assert_int_equal(fclose(out), 0);
}

static void put_byte(const fixture *f, int file, long at, int byte)
{
    char path[128];
    path_of(f, file, path);
    FILE *out = fopen(path, "r+b");
    assert_non_null(out);
    assert_int_equal(fseek(out, at, SEEK_SET), 0);
    assert_int_equal(fputc(byte, out), byte);
    assert_int_equal(fclose(out), 0);
}

static instance *make(const fixture *f)
{
    char expression[128];
    (void)snprintf(expression, sizeof expression, "cifar10(path=%s)", f->folder);
    return support_instance(f->registry, ODEON_KIND_DATASET, expression, 0, 0);
}

static void assert_refused(const fixture *f, int32_t split, odeon_status expected,
                           const char *reason)
{
    instance *x = make(f);
    int64_t length, before = mem_live_blocks();
    odeon_status status = dataset_open(x, split, &length);
    if (status != expected || strstr(diag_message(), reason) == NULL) {
        fail_msg("status %d, \"%s\" lacks \"%s\"", (int)status, diag_message(), reason);
    }
    assert_int_equal(length, -1);
    assert_int_equal(mem_live_blocks(), before);
    instance_destroy(x);
}

/* ---- fields ---- */

static void test_fields_are_known_without_files(void **state)
{
    instance *x = make(*state);
    odeon_field_info image = {.struct_size = sizeof image}, label = {.struct_size = sizeof label};
    assert_int_equal(dataset_ops_of(x)->field_count(x->self), 2);
    assert_int_equal(dataset_ops_of(x)->field(x->self, 0, &image), ODEON_OK);
    assert_int_equal(dataset_ops_of(x)->field(x->self, 1, &label), ODEON_OK);

    assert_int_equal(image.role, ODEON_ROLE_INPUT);
    assert_int_equal(image.dtype, ODEON_DTYPE_U8);
    assert_int_equal(image.ndim, 3);
    assert_memory_equal(image.dim, ((int64_t[5]){3, 32, 32, 0, 0}), sizeof image.dim);
    assert_int_equal(image.classes, 0);
    assert_true(image.scale == 1.0 / 255.0 && image.shift == 0.0);

    assert_int_equal(label.role, ODEON_ROLE_LABEL);
    assert_int_equal(label.dtype, ODEON_DTYPE_U8);
    assert_int_equal(label.ndim, 0);
    assert_int_equal(label.classes, 10);
    assert_int_equal(label.struct_size, sizeof label);
    instance_destroy(x);
}

static void test_a_field_that_is_not_there_is_refused(void **state)
{
    instance *x = make(*state);
    odeon_field_info info = {.struct_size = sizeof info};
    assert_int_equal(dataset_ops_of(x)->field(x->self, 2, &info), ODEON_ERR_INTERNAL);
    assert_int_equal(dataset_ops_of(x)->field(x->self, -1, &info), ODEON_ERR_INTERNAL);
    instance_destroy(x);
}

/* ---- files ---- */

static void test_the_training_set_is_as_many_files_as_there_are(void **state)
{
    const fixture *f = *state;
    for (int i = 0; i < TEST_FILE; i++) {
        put(f, i, 2, 0);
        instance *x = make(f);
        dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 2 * (i + 1));
        instance_destroy(x);
    }
}

static void test_the_test_set_has_its_own_file(void **state)
{
    const fixture *f = *state;
    put(f, 0, 2, 0);
    put(f, TEST_FILE, 3, 0);
    instance *x = make(f);
    dataset_assert_opens(x, ODEON_SPLIT_TEST, 3);
    instance_destroy(x);
}

static void test_a_missing_file_is_named(void **state)
{
    const fixture *f = *state;
    assert_refused(f, ODEON_SPLIT_TRAIN, ODEON_ERR_DATA, "has no data_batch_1.bin");
    assert_refused(f, ODEON_SPLIT_TEST, ODEON_ERR_DATA, "has no test_batch.bin");
    assert_non_null(strstr(diag_message(), f->folder));
}

static void test_a_hole_among_the_files_is_refused(void **state)
{
    const fixture *f = *state;
    put(f, 0, 1, 0);
    put(f, 2, 1, 0);
    assert_refused(f, ODEON_SPLIT_TRAIN, ODEON_ERR_DATA, "has no data_batch_2.bin");
}

static void test_what_is_no_regular_file_is_refused(void **state)
{
    const fixture *f = *state;
    char path[128];
    put(f, 0, 1, 0);
    path_of(f, 1, path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_refused(f, ODEON_SPLIT_TRAIN, ODEON_ERR_DATA, "data_batch_2.bin: not a regular file");
}

static void test_a_path_that_is_too_long_is_refused(void **state)
{
    static char expression[6000];
    const fixture *f = *state;
    int64_t length;
    (void)snprintf(expression, sizeof expression, "cifar10(path=/%05000d)", 1);
    instance *x = support_instance(f->registry, ODEON_KIND_DATASET, expression, 0, 0);
    assert_int_equal(dataset_open(x, ODEON_SPLIT_TRAIN, &length), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "too long"));
    instance_destroy(x);
}

/* ---- contents ---- */

static void test_a_size_that_is_no_records_is_refused(void **state)
{
    const fixture *f = *state;
    put(f, 0, 2, 1);
    assert_refused(f, ODEON_SPLIT_TRAIN, ODEON_ERR_DATA,
                   "data_batch_1.bin: has 6147 bytes, expected records of 3073");
    put(f, 0, 0, 0);
    assert_refused(f, ODEON_SPLIT_TRAIN, ODEON_ERR_DATA, "data_batch_1.bin: has 0 bytes");
}

static void test_a_label_beyond_the_classes_is_refused(void **state)
{
    const fixture *f = *state;
    put(f, 0, 2, 0);
    put(f, 1, 3, 0);
    put_byte(f, 1, 2 * RECORD, 10);
    assert_refused(f, ODEON_SPLIT_TRAIN, ODEON_ERR_DATA,
                   "data_batch_2.bin: byte 6146, the label of record 2, is 10, expected 0 to 9");
}

static void test_a_file_beyond_the_limit_is_refused(void **state)
{
    const fixture *f = *state;
    char path[128];
    put(f, 0, 1, 0);
    path_of(f, 0, path);
    assert_int_equal(truncate(path, (off_t)RECORD * 6000000), 0); /* 18 GB of nothing */
    assert_refused(f, ODEON_SPLIT_TRAIN, ODEON_ERR_DATA, "data_batch_1.bin: too large");
}

static void test_opening_twice_is_refused(void **state)
{
    const fixture *f = *state;
    int64_t length;
    put(f, 0, 1, 0);
    instance *x = make(f);
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 1);
    assert_int_equal(dataset_open(x, ODEON_SPLIT_TRAIN, &length), ODEON_ERR_INTERNAL);
    instance_destroy(x);
    x = make(f);
    assert_int_equal(dataset_open(x, 2, &length), ODEON_ERR_INTERNAL);
    instance_destroy(x);
}

/* ---- batches ---- */

static void test_a_batch_has_the_samples_asked_for(void **state)
{
    const fixture *f = *state;
    put(f, 0, 3, 0);
    put(f, 1, 2, 0);
    instance *x = make(f);
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 5);
    static const int64_t indices[4] = {4, 0, 4, 2}; /* any order, repeats, across files */
    static unsigned char images[4][IMAGE], labels[4];
    void *const fields[2] = {images, labels};
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 4, indices, fields), ODEON_OK);
    for (int i = 0; i < 4; i++) {
        int file = indices[i] / 3 > 0, record = (int)indices[i] % 3;
        assert_int_equal(labels[i], record);
        for (int k = 0; k < IMAGE; k++) {
            assert_int_equal(images[i][k], pixel_of(file, record, k));
        }
    }
    instance_destroy(x);
}

static void test_samples_that_do_not_exist_are_refused(void **state)
{
    const fixture *f = *state;
    put(f, 0, 2, 0);
    instance *x = make(f);
    static unsigned char image[IMAGE], label;
    void *const fields[2] = {image, &label};
    static const int64_t wrong[] = {0, 2, -1}; /* 0: before open there is none */
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 1, &wrong[0], fields),
                     ODEON_ERR_INTERNAL);
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 2);
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 1, &wrong[1], fields),
                     ODEON_ERR_INTERNAL);
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 1, &wrong[2], fields),
                     ODEON_ERR_INTERNAL);
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 0, NULL, fields), ODEON_OK);
    instance_destroy(x);
}

static void test_every_failing_allocation_is_survived(void **state)
{
    const fixture *f = *state;
    put(f, 0, 2, 0);
    instance *x = make(f);
    int64_t before = mem_live_blocks(), length, n = 0;
    odeon_status status = ODEON_ERR_NOMEM;
    while (status == ODEON_ERR_NOMEM && n < 30) {
        mem_fail_at(++n);
        status = dataset_open(x, ODEON_SPLIT_TRAIN, &length);
        mem_fail_at(0);
        assert_true(status == ODEON_OK || mem_live_blocks() == before);
    }
    assert_int_equal(status, ODEON_OK);
    assert_int_equal(n, 3); /* the list of files and the records, then success */
    instance_destroy(x);
}

static void test_the_excerpt_is_read(void **state)
{
    const fixture *f = *state;
    static const unsigned char train[10] = {2, 3, 9, 5, 8, 6, 6, 2, 6, 5},
                               test[10] = {9, 0, 2, 5, 2, 8, 5, 6, 2, 3};
    static const int64_t lengths[2] = {192, 64}, indices[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    static unsigned char images[10][IMAGE], labels[10];
    for (int32_t split = 0; split < 2; split++) {
        instance *x = support_instance(f->registry, ODEON_KIND_DATASET,
                                       "cifar10(path=" ODEON_SOURCE "/tests/data/cifar10)", 0, 0);
        dataset_assert_opens(x, split, lengths[split]);
        void *const fields[2] = {images, labels};
        assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 10, indices, fields), ODEON_OK);
        assert_memory_equal(labels, split == ODEON_SPLIT_TRAIN ? train : test, 10);
        instance_destroy(x);
    }
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_fields_are_known_without_files),
        WITH_FOLDER(test_a_field_that_is_not_there_is_refused),
        WITH_FOLDER(test_the_training_set_is_as_many_files_as_there_are),
        WITH_FOLDER(test_the_test_set_has_its_own_file),
        WITH_FOLDER(test_a_missing_file_is_named),
        WITH_FOLDER(test_a_hole_among_the_files_is_refused),
        WITH_FOLDER(test_what_is_no_regular_file_is_refused),
        WITH_FOLDER(test_a_path_that_is_too_long_is_refused),
        WITH_FOLDER(test_a_size_that_is_no_records_is_refused),
        WITH_FOLDER(test_a_label_beyond_the_classes_is_refused),
        WITH_FOLDER(test_a_file_beyond_the_limit_is_refused),
        WITH_FOLDER(test_opening_twice_is_refused),
        WITH_FOLDER(test_a_batch_has_the_samples_asked_for),
        WITH_FOLDER(test_samples_that_do_not_exist_are_refused),
        WITH_FOLDER(test_every_failing_allocation_is_survived),
        WITH_FOLDER(test_the_excerpt_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
