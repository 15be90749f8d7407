/* The data set images as a plugin: classes by folder, pixels, and what is wrong with files. */
#include "support.h"
#include "support_dataset.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "odeon/dataset.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

/* 2x2 pixels: (1,2,3) (250,251,252) / (10,20,30) (40,50,60). */
static const unsigned char png[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x02, 0x08, 0x02, 0x00, 0x00, 0x00, 0xfd, 0xd4, 0x9a,
    0x73, 0x00, 0x00, 0x00, 0x16, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x60, 0x64, 0x62, 0xfe,
    0xf5, 0xfb, 0x0f, 0x03, 0x97, 0x88, 0x9c, 0x86, 0x91, 0x0d, 0x00, 0x1c, 0xfb, 0x03, 0xca, 0x92,
    0x4a, 0x2c, 0xdb, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

/* 4x6 pixels by libjpeg-turbo, quality 95, no colour left out: red 40 row + 20, green 30 column +
 * 40, blue 200 - 20 row - 15 column, as far as its sines have them; */
static const unsigned char jpeg[] = {
    0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a, 0x46, 0x49, 0x46, 0x00, 0x01, 0x01, 0x00, 0x00, 0x01,
    0x00, 0x01, 0x00, 0x00, 0xff, 0xdb, 0x00, 0x43, 0x00, 0x02, 0x01, 0x01, 0x01, 0x01, 0x01, 0x02,
    0x01, 0x01, 0x01, 0x02, 0x02, 0x02, 0x02, 0x02, 0x04, 0x03, 0x02, 0x02, 0x02, 0x02, 0x05, 0x04,
    0x04, 0x03, 0x04, 0x06, 0x05, 0x06, 0x06, 0x06, 0x05, 0x06, 0x06, 0x06, 0x07, 0x09, 0x08, 0x06,
    0x07, 0x09, 0x07, 0x06, 0x06, 0x08, 0x0b, 0x08, 0x09, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x06, 0x08,
    0x0b, 0x0c, 0x0b, 0x0a, 0x0c, 0x09, 0x0a, 0x0a, 0x0a, 0xff, 0xdb, 0x00, 0x43, 0x01, 0x02, 0x02,
    0x02, 0x02, 0x02, 0x02, 0x05, 0x03, 0x03, 0x05, 0x0a, 0x07, 0x06, 0x07, 0x0a, 0x0a, 0x0a, 0x0a,
    0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a,
    0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a,
    0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0xff, 0xc0,
    0x00, 0x11, 0x08, 0x00, 0x04, 0x00, 0x06, 0x03, 0x01, 0x11, 0x00, 0x02, 0x11, 0x01, 0x03, 0x11,
    0x01, 0xff, 0xc4, 0x00, 0x14, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0xff, 0xc4, 0x00, 0x1e, 0x10, 0x00, 0x01, 0x01, 0x09,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x06, 0x00, 0x02,
    0x07, 0x08, 0x24, 0x41, 0x44, 0x51, 0x61, 0xff, 0xc4, 0x00, 0x14, 0x01, 0x01, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 0xff, 0xc4, 0x00,
    0x1f, 0x11, 0x00, 0x00, 0x06, 0x01, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x01, 0x06, 0x07, 0x15, 0x61, 0x23, 0x33, 0x41, 0x42, 0x51, 0xd1, 0xff, 0xda,
    0x00, 0x0c, 0x03, 0x01, 0x00, 0x02, 0x11, 0x03, 0x11, 0x00, 0x3f, 0x00, 0x3a, 0x46, 0xe1, 0xc2,
    0x50, 0xa3, 0x4d, 0x06, 0x3b, 0xb7, 0x1b, 0x1c, 0x63, 0x8f, 0xe2, 0xf5, 0x4b, 0x38, 0x59, 0x79,
    0x1f, 0x77, 0x60, 0xc3, 0xa2, 0xd8, 0x23, 0xe4, 0xb4, 0x37, 0xaf, 0x07, 0xff, 0xd9};
/* and what that library makes of them again, channel by channel. */
static const unsigned char of_jpeg[] = {
    18,  20,  18,  19,  19,  21,  62,  63,  63,  61,  62,  65,  98,  100, 97,  97,  98,  102,
    141, 141, 141, 139, 140, 144, 40,  70,  100, 131, 160, 190, 39,  70,  101, 131, 161, 189,
    40,  70,  100, 129, 159, 188, 40,  71,  101, 131, 162, 190, 201, 181, 173, 155, 141, 125,
    179, 160, 150, 133, 117, 101, 163, 144, 135, 116, 102, 87,  142, 123, 112, 95,  80,  65};

static char root[] = "/tmp/odeon-test-XXXXXX";
static registry *plugins;
static const char *const files[] = {"cat/1.png", "cat/2.PNG", "dog/1.png"};

static void put_bytes(const char *name, size_t bytes, const unsigned char *from)
{
    char path[64];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(from, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static void put(const char *name, size_t bytes)
{
    put_bytes(name, bytes, png);
}

static void in_root(const char *name, int (*what)(const char *))
{
    char path[64];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    (void)what(path);
}

static int make_folder(const char *path)
{
    return mkdir(path, 0700);
}

static int set_up(void **state)
{
    (void)state;
    plugins = support_registry();
    if (mkdtemp(root) == NULL) {
        return -1;
    }
    in_root("cat", make_folder);
    in_root("dog", make_folder);
    for (size_t i = 0; i < 3; i++) {
        put(files[i], sizeof png);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        in_root(files[i], unlink);
    }
    in_root("cat", rmdir);
    in_root("dog", rmdir);
    registry_destroy(plugins);
    return rmdir(root);
}

static instance *make(const char *options)
{
    char expression[200];
    (void)snprintf(expression, sizeof expression, "images(path=%s, test_fraction=0, %s)", root,
                   options);
    diag_clear();
    return support_instance(plugins, ODEON_KIND_DATASET, expression, 0, 0);
}

static void need_libpng(void)
{
    void *library = dlopen("libpng16.so.16", RTLD_NOW);
    if (library == NULL) {
        skip();
    }
    (void)dlclose(library);
}

static void test_folders_are_classes_and_pixels_channels(void **state)
{
    (void)state;
    const int64_t indices[] = {2, 0};
    uint8_t pixels[24];
    int64_t labels[2];
    void *const fields[2] = {pixels, labels};
    need_libpng();
    instance *x = make("shape=3 2 2, classes=2");
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 3);
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 2, indices, fields), ODEON_OK);
    static const uint8_t wanted[] = {1, 250, 10, 40, 2, 251, 20, 50, 3, 252, 30, 60};
    assert_memory_equal(pixels, wanted, 12);
    assert_memory_equal(pixels + 12, wanted, 12);
    assert_true(labels[0] == 1 && labels[1] == 0);
    assert_string_equal(dataset_ops_of(x)->class_name(x->self, 1), "dog");
    assert_string_equal(dataset_ops_of(x)->fitted(x->self), "class cat\nclass dog\n");
    instance_destroy(x);
}

static void assert_unreadable(const char *options, const char *reason)
{
    const int64_t indices[] = {0};
    uint8_t pixels[64];
    int64_t label;
    void *const fields[2] = {pixels, &label};
    instance *x = make(options);
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 3);
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 1, indices, fields), ODEON_ERR_DATA);
    if (strstr(diag_message(), reason) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", diag_message(), reason);
    }
    instance_destroy(x);
}

static void test_files_that_do_not_do_are_named(void **state)
{
    (void)state;
    need_libpng();
    assert_unreadable("shape=3 2 3, classes=2",
                      "/cat/1.png: is 2x2 pixels, but shape says 2x3 (height, width)");
    put(files[0], 50);
    assert_unreadable("shape=3 2 2, classes=2", "/cat/1.png: no sound PNG file");
    put(files[0], 4);
    assert_unreadable("shape=3 2 2, classes=2", "/cat/1.png: is neither a PNG nor a JPEG file");
    put(files[0], sizeof png);
}

static void test_another_number_of_folders_is_refused(void **state)
{
    (void)state;
    int64_t length;
    instance *x = make("shape=3 2 2, classes=3");
    assert_int_equal(dataset_open(x, ODEON_SPLIT_TRAIN, &length), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), "has 2 folders, but classes = 3"));
    instance_destroy(x);
}

/* By content, whatever the name says. Decoders of JPEG may round differently by one. */
static void test_jpeg_files_are_read_as_pngs_are(void **state)
{
    (void)state;
    const int64_t index = 0;
    uint8_t pixels[sizeof of_jpeg];
    int64_t label;
    void *const fields[2] = {pixels, &label};
    void *library = dlopen("libturbojpeg.so.0", RTLD_NOW);
    if (library == NULL) {
        skip();
    }
    (void)dlclose(library);
    put_bytes(files[0], sizeof jpeg, jpeg);
    instance *x = make("shape=3 4 6, classes=2");
    dataset_assert_opens(x, ODEON_SPLIT_TRAIN, 3);
    assert_int_equal(dataset_ops_of(x)->get_batch(x->self, 1, &index, fields), ODEON_OK);
    for (size_t i = 0; i < sizeof pixels; i++) {
        assert_in_range(pixels[i] + 1 - of_jpeg[i], 0, 2);
    }
    instance_destroy(x);
    assert_unreadable("shape=3 6 4, classes=2",
                      "/cat/1.png: is 4x6 pixels, but shape says 6x4 (height, width)");
    put_bytes(files[0], 200, jpeg);
    assert_unreadable("shape=3 4 6, classes=2", "/cat/1.png: ");
    put_bytes(files[0], 100, jpeg);
    assert_unreadable("shape=3 4 6, classes=2", "/cat/1.png: no sound JPEG file");
    put(files[0], sizeof png);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folders_are_classes_and_pixels_channels),
        cmocka_unit_test(test_files_that_do_not_do_are_named),
        cmocka_unit_test(test_jpeg_files_are_read_as_pngs_are),
        cmocka_unit_test(test_another_number_of_folders_is_refused),
    };
    return cmocka_run_group_tests_name("images", tests, set_up, tear_down);
}
