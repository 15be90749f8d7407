/* A picture that is written has the bytes of one: of two pixels as zlib and a PNG writer in Python
 * make them, and of more than a stored block by its length and its parts. */
#include "format/png.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/read_file.h"
#include "base/temporary.h"
#include "support.h"

/* What is written of these pixels; mem_free it. */
static uint8_t *written(int32_t width, int32_t height, int32_t channels, const uint8_t *pixels,
                        size_t *bytes)
{
    char *path = NULL, *data = NULL;
    assert_int_equal(temporary_file("", 0, &path), ODEON_OK);
    assert_int_equal(png_write_output(path, width, height, channels, pixels), ODEON_OK);
    assert_int_equal(read_file(path, &data, bytes), ODEON_OK);
    (void)unlink(path);
    mem_free(path);
    return (uint8_t *)data;
}

static void test_two_grey_pixels(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
        0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44,
        0x52, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0xd1,
        0x49, 0x20, 0x56, 0x00, 0x00, 0x00, 0x0e, 0x49, 0x44, 0x41, 0x54, 0x78, 0x01, 0x01, 0x03,
        0x00, 0xfc, 0xff, 0x00, 0x07, 0xfa, 0x01, 0x0b, 0x01, 0x02, 0x83, 0x3b, 0xcb, 0x9c, 0x00,
        0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};
    static const uint8_t pixels[] = {7, 250};
    size_t bytes;
    uint8_t *data = written(2, 1, 1, pixels, &bytes);
    assert_int_equal(bytes, sizeof expected);
    assert_memory_equal(data, expected, sizeof expected);
    mem_free(data);
}

/* 200 lines of 3 x 150 bytes and a filter each are 90,200 bytes: two blocks of deflate. */
static void test_more_than_a_block_in_colour(void **state)
{
    (void)state;
    enum { WIDTH = 150, HEIGHT = 200, BYTES = HEIGHT * (3 * WIDTH + 1), IDAT = 33 };
    static uint8_t pixels[HEIGHT * WIDTH * 3];
    size_t bytes;
    memset(pixels, 0x5a, sizeof pixels);
    uint8_t *data = written(WIDTH, HEIGHT, 3, pixels, &bytes);
    assert_int_equal(bytes, 8 + 25 + 12 + 2 + 2 * 5 + BYTES + 4 + 12);
    assert_int_equal(data[25], 2); /* red, green, blue */
    assert_memory_equal(data + IDAT + 4, "IDAT", 4);
    const uint8_t *first = data + IDAT + 8 + 2, *second = first + 5 + 65535;
    assert_memory_equal(first, "\x00\xff\xff\x00\x00", 5);
    assert_int_equal(second[0], 1); /* the last */
    assert_int_equal(second[1] | second[2] << 8, BYTES - 65535);
    mem_free(data);
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    static const uint8_t pixels[] = {7, 250};
    char *path = NULL;
    assert_int_equal(temporary_file("", 0, &path), ODEON_OK);
    for (int64_t n = 1; n <= 3; n++) {
        mem_fail_at(n);
        assert_int_equal(png_write_output(path, 2, 1, 1, pixels), ODEON_ERR_NOMEM);
        mem_fail_at(0);
    }
    (void)unlink(path);
    mem_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_grey_pixels),
        cmocka_unit_test(test_more_than_a_block_in_colour),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
