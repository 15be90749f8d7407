/* The data set idx as a plugin: its files, its fields, its batches. What can be wrong within a file
 * is the matter of test_idx_reader. */
#include "support.h"
#include "support_dataset.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "odeon/dataset.h"
#include "plugin/component.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

#define REAL_DATA "/usr/share/datasets/fashion-mnist"

enum { N = 5, HEIGHT = 2, WIDTH = 3, ITEM = HEIGHT * WIDTH };

/* ---- a folder with the files of a small data set ---- */

typedef struct fixture {
    char folder[32];
    registry *registry;
} fixture;

static const char *const file_names[] = {"train-images-idx3-ubyte",
                                         "train-labels-idx1-ubyte",
                                         "t10k-images-idx3-ubyte",
                                         "t10k-labels-idx1-ubyte",
                                         "train-images-idx3-ubyte.gz",
                                         "train-labels-idx1-ubyte.gz",
                                         "train-images.idx3-ubyte",
                                         "train-labels.idx1-ubyte",
                                         "train-images.idx3-ubyte.gz",
                                         "train-labels.idx1-ubyte.gz",
                                         "other"};
enum { N_FILES = sizeof file_names / sizeof file_names[0] };

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

static int tear_down(void **state)
{
    fixture *f = *state;
    char path[128];
    for (int i = 0; i < N_FILES; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", f->folder, file_names[i]);
        (void)unlink(path);
    }
    int result = rmdir(f->folder);
    registry_destroy(f->registry);
    free(f);
    return result;
}

static void put(const fixture *f, const char *name, bool packed, const void *bytes, size_t n)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", f->folder, name);
    gzFile file = gzopen(path, packed ? "wb9" : "wbT"); /* T: as it is */
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, (unsigned)n), (int)n);
    assert_int_equal(gzclose(file), Z_OK);
}

static void put_images(const fixture *f, const char *name, bool packed, unsigned char n)
{
    unsigned char bytes[16 + 255 * ITEM] = {0, 0, 8, 3,      0, 0, 0, n,
                                            0, 0, 0, HEIGHT, 0, 0, 0, WIDTH};
    for (int i = 0; i < n * ITEM; i++) {
        bytes[16 + i] = (unsigned char)i;
    }
    put(f, name, packed, bytes, 16 + (size_t)n * ITEM);
}

static void put_labels(const fixture *f, const char *name, bool packed, unsigned char n)
{
    unsigned char bytes[8 + 255] = {0, 0, 8, 1, 0, 0, 0, n};
    for (int i = 0; i < n; i++) {
        bytes[8 + i] = (unsigned char)(i % 3);
    }
    put(f, name, packed, bytes, 8 + (size_t)n);
}

static void put_training_set(const fixture *f)
{
    put_images(f, file_names[0], false, N);
    put_labels(f, file_names[1], false, N);
}

/* An instance with shape 1 2 3, three classes, and the options given. */
static instance *make(const fixture *f, const char *options)
{
    char expression[512];
    (void)snprintf(expression, sizeof expression, "idx(path=%s, shape=1 2 3, classes=3%s)",
                   f->folder, options);
    return support_instance(f->registry, ODEON_KIND_DATASET, expression, 0, 0);
}

static void assert_refused(instance *x, odeon_status expected, const char *reason)
{
    int64_t length;
    odeon_status status = dataset_open(x, ODEON_SPLIT_TRAIN, &length);
    if (status != expected || strstr(diag_message(), reason) == NULL) {
        fail_msg("status %d, \"%s\" lacks \"%s\"", (int)status, diag_message(), reason);
    }
    assert_int_equal(length, -1);
}

/* ---- fields ---- */

static void test_fields_are_known_without_files(void **state)
{
    instance *x = make(*state, "");
    odeon_field_info image = {.struct_size = sizeof image}, label = {.struct_size = sizeof label};
    assert_int_equal(dataset_ops_of(x)->field_count(x->self), 2);
    assert_int_equal(dataset_ops_of(x)->field(x->self, 0, &image), ODEON_OK);
    assert_int_equal(dataset_ops_of(x)->field(x->self, 1, &label), ODEON_OK);

    assert_int_equal(image.role, ODEON_ROLE_INPUT);
    assert_int_equal(image.dtype, ODEON_DTYPE_U8);
    assert_int_equal(image.ndim, 3);
    assert_memory_equal(image.dim, ((int64_t[5]){1, 2, 3, 0, 0}), sizeof image.dim);
    assert_int_equal(image.classes, 0);
    assert_true(image.scale == 1.0 / 255.0 && image.shift == 0.0);

    assert_int_equal(label.role, ODEON_ROLE_LABEL);
    assert_int_equal(label.dtype, ODEON_DTYPE_U8);
    assert_int_equal(label.ndim, 0);
    assert_int_equal(label.classes, 3);
    assert_true(label.scale == 1.0 && label.shift == 0.0);
    assert_int_equal(label.struct_size, sizeof label);
    instance_destroy(x);
}

static void test_a_field_that_is_not_there_is_refused(void **state)
{
    instance *x = make(*state, "");
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
        status = instance_take(config, "data", &x);
    }
    if (status == ODEON_OK) {
        instance_destroy(x);
    }
    return status;
}

static void test_options_out_of_range_are_refused(void **state)
{
    static const char *const wrong[] = {
        "idx",
        "idx(path=/, shape=1 2 3 4 5 6)",
        "idx(path=/, shape=0 28)",
        "idx(path=/, shape=-1)",
        "idx(path=/, shape=1000000 1000000)",
        "idx(path=/, shape=4294967296 4294967296 4294967296)",
        "idx(path=/, classes=0)",
        "idx(path=/, classes=257)",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (create_status(*state, wrong[i]) != ODEON_ERR_CONFIG) {
            fail_msg("%s was not refused: %s", wrong[i], diag_message());
        }
    }
    assert_int_equal(create_status(*state, "idx(path=/, shape=1 2 3 4 5)"), ODEON_OK);
}

/* ---- finding files ---- */

static void test_every_form_of_a_name_is_found(void **state)
{
    const fixture *f = *state;
    static const int pairs[] = {0, 4, 6, 8};
    for (int i = 0; i < 4; i++) {
        for (int packed = 0; packed < 2; packed++) { /* the contents tell, not the name */
            put_images(f, file_names[pairs[i]], packed == 1, N);
            put_labels(f, file_names[pairs[i] + 1], packed == 1, N);
            instance *x = make(f, "");
            dataset_assert_opens(x, ODEON_SPLIT_TRAIN, N);
            instance_destroy(x);
        }
        char path[128];
        for (int k = 0; k < 2; k++) {
            (void)snprintf(path, sizeof path, "%s/%s", f->folder, file_names[pairs[i] + k]);
            assert_int_equal(unlink(path), 0);
        }
    }
}

static void test_splits_have_their_own_files(void **state)
{
    const fixture *f = *state;
    put_training_set(f);
    put_images(f, file_names[2], true, 3);
    put_labels(f, file_names[3], true, 3);
    instance *train = make(f, ""), *test = make(f, "");
    dataset_assert_opens(train, ODEON_SPLIT_TRAIN, N);
    dataset_assert_opens(test, ODEON_SPLIT_TEST, 3);
    instance_destroy(train);
    instance_destroy(test);
}

static void test_a_file_may_have_any_name(void **state)
{
    const fixture *f = *state;
    char options[128];
    put_images(f, "other", false, N);
    put_labels(f, file_names[1], false, N);
    (void)snprintf(options, sizeof options, ", train_images=%s/other", f->folder);
    instance *x = make(f, options);
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, N);
    instance_destroy(x);
}

static void test_a_missing_file_says_what_was_looked_for(void **state)
{
    const fixture *f = *state;
    instance *x = make(f, "");
    assert_refused(x, ODEON_ERR_DATA,
                   "neither train-images-idx3-ubyte nor train-images.idx3-ubyte");
    assert_non_null(strstr(diag_message(), f->folder));
    assert_non_null(strstr(diag_message(), "dataset-fashion-mnist"));
    instance_destroy(x);
}

static void test_a_missing_file_that_was_named_is_named(void **state)
{
    instance *x = make(*state, ", train_images=/nonexistent/x");
    assert_refused(x, ODEON_ERR_DATA, "/nonexistent/x: no such file");
    instance_destroy(x);
}

static void test_what_is_no_regular_file_is_refused(void **state)
{
    instance *folder = make(*state, ", train_images=/tmp"),
             *null = make(*state, ", train_images=/dev/zero");
    assert_refused(folder, ODEON_ERR_DATA, "/tmp: not a regular file");
    assert_refused(null, ODEON_ERR_DATA, "/dev/zero: not a regular file");
    instance_destroy(folder);
    instance_destroy(null);
}

static void test_a_path_that_is_too_long_is_refused(void **state)
{
    static char expression[6000];
    const fixture *f = *state;
    (void)snprintf(expression, sizeof expression, "idx(path=/%05000d, shape=2 3)", 1);
    instance *x = support_instance(f->registry, ODEON_KIND_DATASET, expression, 0, 0);
    assert_refused(x, ODEON_ERR_IO, "File name too long");
    instance_destroy(x);
}

/* ---- contents that do not fit together ---- */

static void test_counts_that_differ_are_refused(void **state)
{
    const fixture *f = *state;
    put_images(f, file_names[0], false, N);
    put_labels(f, file_names[1], false, N - 1);
    instance *x = make(f, "");
    assert_refused(x, ODEON_ERR_DATA, "train-images-idx3-ubyte has 5 images");
    assert_non_null(strstr(diag_message(), "train-labels-idx1-ubyte has 4 labels"));
    instance_destroy(x);
}

static void test_a_label_beyond_the_classes_is_refused(void **state)
{
    const fixture *f = *state;
    static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, N, 0, 1, 2, 3, 0};
    put_images(f, file_names[0], false, N);
    put(f, file_names[1], false, labels, sizeof labels);
    instance *x = make(f, "");
    assert_refused(x, ODEON_ERR_DATA, "label 3 is 3, but classes = 3 allows 0 to 2");
    instance_destroy(x);
}

static void test_labels_given_as_images_are_refused(void **state)
{
    const fixture *f = *state;
    put_labels(f, file_names[0], false, N);
    put_labels(f, file_names[1], false, N);
    instance *x = make(f, "");
    assert_refused(x, ODEON_ERR_DATA, "holds [5], expected [N,1,2,3]");
    instance_destroy(x);
}

static void test_an_empty_file_is_refused(void **state)
{
    const fixture *f = *state;
    put_training_set(f);
    put(f, file_names[0], false, "", 0);
    instance *x = make(f, "");
    assert_refused(x, ODEON_ERR_DATA, "4 bytes expected, 0 found");
    instance_destroy(x);
}

static void test_opening_twice_is_refused(void **state)
{
    const fixture *f = *state;
    put_training_set(f);
    instance *x = make(f, "");
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, N);
    assert_refused(x, ODEON_ERR_INTERNAL, "opened twice");
    instance_destroy(x);
}

/* ---- batches ---- */

static void test_a_batch_has_the_samples_asked_for(void **state)
{
    const fixture *f = *state;
    put_training_set(f);
    instance *x = make(f, "");
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, N);
    static const int64_t indices[4] = {4, 0, 4, 1}; /* any order, repeats */
    unsigned char images[4][ITEM], labels[4];
    void *const fields[2] = {images, labels};
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 4, indices, fields), ODEON_OK);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(labels[i], indices[i] % 3);
        for (int k = 0; k < ITEM; k++) {
            assert_int_equal(images[i][k], indices[i] * ITEM + k);
        }
    }
    instance_destroy(x);
}

static void test_samples_that_do_not_exist_are_refused(void **state)
{
    const fixture *f = *state;
    put_training_set(f);
    instance *x = make(f, "");
    unsigned char image[ITEM], label;
    void *const fields[2] = {image, &label};
    static const int64_t wrong[] = {0, N, -1}; /* 0: before open there is none */
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 1, &wrong[0], fields),
                     ODEON_ERR_INTERNAL);
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, N);
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
    put_training_set(f);
    instance *x = make(f, "");
    int64_t before = mem_live_blocks(), length, n = 0;
    odeon_status status = ODEON_ERR_NOMEM;
    while (status == ODEON_ERR_NOMEM && n < 30) {
        mem_fail_at(++n);
        status = dataset_open(x, ODEON_SPLIT_TRAIN, &length);
        mem_fail_at(0);
        assert_true(status == ODEON_OK || mem_live_blocks() == before);
    }
    assert_int_equal(status, ODEON_OK);
    assert_int_equal(n, 6); /* the files, a stream and the data of each, then success */
    instance_destroy(x);
}

/* ---- the real thing ---- */

static void test_fashion_mnist_is_read(void **state)
{
    const fixture *f = *state;
    if (access(REAL_DATA, F_OK) != 0) {
        support_not_covered("Fashion-MNIST as it is (no dataset-fashion-mnist)");
    }
    /* its first labels, as published */
    static const unsigned char train[10] = {9, 0, 0, 3, 0, 2, 7, 2, 5, 5},
                               test[10] = {9, 2, 1, 1, 6, 1, 4, 6, 5, 7};
    static const int64_t lengths[2] = {60000, 10000}, indices[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    static unsigned char images[10][784], labels[10];
    for (int32_t split = 0; split < 2; split++) {
        instance *x =
            support_instance(f->registry, ODEON_KIND_DATASET, "idx(path=" REAL_DATA ")", 0, 0);
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
        WITH_FOLDER(test_options_out_of_range_are_refused),
        WITH_FOLDER(test_every_form_of_a_name_is_found),
        WITH_FOLDER(test_splits_have_their_own_files),
        WITH_FOLDER(test_a_file_may_have_any_name),
        WITH_FOLDER(test_a_missing_file_says_what_was_looked_for),
        WITH_FOLDER(test_a_missing_file_that_was_named_is_named),
        WITH_FOLDER(test_what_is_no_regular_file_is_refused),
        WITH_FOLDER(test_a_path_that_is_too_long_is_refused),
        WITH_FOLDER(test_counts_that_differ_are_refused),
        WITH_FOLDER(test_a_label_beyond_the_classes_is_refused),
        WITH_FOLDER(test_labels_given_as_images_are_refused),
        WITH_FOLDER(test_an_empty_file_is_refused),
        WITH_FOLDER(test_opening_twice_is_refused),
        WITH_FOLDER(test_a_batch_has_the_samples_asked_for),
        WITH_FOLDER(test_samples_that_do_not_exist_are_refused),
        WITH_FOLDER(test_every_failing_allocation_is_survived),
        WITH_FOLDER(test_fashion_mnist_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
