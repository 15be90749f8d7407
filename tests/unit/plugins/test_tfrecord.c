/* Records of event files, to the byte. */
#include "tfrecord.h"

#include <string.h>

#include "base/mem.h"
#include "support.h"

static void *allocate(const odeon_host *host, uint64_t bytes)
{
    (void)host;
    return mem_alloc(bytes);
}

static void release(const odeon_host *host, void *memory)
{
    (void)host;
    mem_free(memory);
}

static const odeon_host host = {.struct_size = sizeof host, .alloc = allocate, .free = release};

/* RFC 3720, B.4, and the check value of CRC-32C in the catalogue of parametrised CRC algorithms. */
static void test_crc_has_the_published_values(void **state)
{
    (void)state;
    uint8_t bytes[32] = {0};
    assert_int_equal(tf_crc32c("123456789", 9), 0xe3069283u);
    assert_int_equal(tf_crc32c(bytes, sizeof bytes), 0x8a9136aau);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(tf_crc32c(bytes, sizeof bytes), 0x62a8ab43u);
    for (uint8_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = i;
    }
    assert_int_equal(tf_crc32c(bytes, sizeof bytes), 0x46dd794eu);
    assert_int_equal(tf_crc32c(bytes, 0), 0u);
}

/* The record as TensorFlow writes it of "brain.Event:2" at the time 0. */
static void test_record_has_its_bytes(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
        0x18, 0,   0,   0,   0,   0,   0,   0,   0xa3, 0x7f, 0x4b, 0x22, /* length, its CRC */
        0x09, 0,   0,   0,   0,   0,   0,   0,   0,    0x1a, 0x0d, 'b',  'r',  'a',
        'i',  'n', '.', 'E', 'v', 'e', 'n', 't', ':',  '2',  0xee, 0xdf, 0x28, 0xa3};
    tf_bytes event = {.host = &host}, record = {.host = &host};
    tf_put_double(&event, 1, 0.0);
    tf_put_bytes(&event, 3, "brain.Event:2", 13);
    tf_put_record(&record, event.data, event.n);
    assert_int_equal(record.n, sizeof expected);
    assert_memory_equal(record.data, expected, sizeof expected);
    tf_bytes_fini(&event);
    tf_bytes_fini(&record);
}

static void test_numbers_of_messages_have_their_bytes(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0x10, 0xac, 0x02, 0x15, 0,    0,    0x80, 0x3f, 0x10, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    tf_bytes b = {.host = &host};
    tf_put_whole(&b, 2, 300); /* the example of Protocol Buffers, Encoding */
    tf_put_float(&b, 2, 1.0f);
    tf_put_whole(&b, 2, -1);
    assert_int_equal(b.n, sizeof expected);
    assert_memory_equal(b.data, expected, sizeof expected);
    tf_bytes_fini(&b);
}

static void test_memory_that_ends_is_noted(void **state)
{
    (void)state;
    tf_bytes b = {.host = &host};
    mem_fail_at(1);
    tf_put_whole(&b, 2, 1);
    mem_fail_at(0);
    assert_int_equal(b.failed, 1);
    assert_int_equal(b.n, 0);
    tf_bytes_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc_has_the_published_values),
        cmocka_unit_test(test_record_has_its_bytes),
        cmocka_unit_test(test_numbers_of_messages_have_their_bytes),
        cmocka_unit_test(test_memory_that_ends_is_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
