/* The reader of the idx data set on bytes in memory: every way in which a file can be wrong. */
#include "support.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/diag.h"
#include "base/mem.h"
#include "plugin/instance.h"

/* A plugin's sources, which no library offers. */
#include "dataset/idx/reader.c"
#include "dataset/idx/stream.c"

/* ---- files in memory, and a host ---- */

enum { ROOM = 4096, N_ITEMS = 4, HEADER = 16, SIZE = HEADER + N_ITEMS * 6 };

typedef struct memory {
    unsigned char bytes[ROOM];
    size_t n, at;
    size_t chunk;   /* the most that one read gives; 0: no limit */
    size_t fail_at; /* reading from here on fails with EIO; 0: never */
} memory;

static int64_t read_memory(void *self, void *buffer, uint64_t bytes)
{
    memory *m = self;
    size_t n = m->n - m->at;
    if (m->fail_at > 0 && m->at >= m->fail_at) {
        return -EIO;
    }
    n = n < bytes ? n : bytes;
    n = m->chunk > 0 && n > m->chunk ? m->chunk : n;
    memcpy(buffer, m->bytes + m->at, n);
    m->at += n;
    return (int64_t)n;
}

static instance host_instance = {.path = (char[]){""}};

/* Reads items of [2,3]. */
static odeon_status read_as(memory *m, int32_t ndim, const int64_t *dim, idx_items *out)
{
    instance_host(&host_instance);
    idx_source source = {.self = m, .name = "test", .bytes = m->n, .read = read_memory};
    m->at = 0;
    diag_clear();
    return idx_read(&host_instance.host, &source, ndim, dim, out);
}

static odeon_status read_2x3(memory *m, idx_items *out)
{
    return read_as(m, 2, (int64_t[]){2, 3}, out);
}

/* Four items of [2,3] with the bytes 1, 2, 3, ... */
static memory good(void)
{
    static const unsigned char header[HEADER] = {0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 3};
    memory m = {.n = SIZE};
    memcpy(m.bytes, header, sizeof header);
    for (size_t i = sizeof header; i < m.n; i++) {
        m.bytes[i] = (unsigned char)(i - sizeof header + 1);
    }
    return m;
}

static void append_gzip(memory *out, const unsigned char *bytes, size_t n)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    unsigned char copy[ROOM];
    memcpy(copy, bytes, n);
    z.next_in = copy;
    z.avail_in = (uInt)n;
    z.next_out = out->bytes + out->n;
    z.avail_out = (uInt)(ROOM - out->n);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->n = ROOM - z.avail_out;
    assert_int_equal(deflateEnd(&z), Z_OK);
}

static memory good_gzip(void)
{
    memory plain = good(), out = {0};
    append_gzip(&out, plain.bytes, plain.n);
    return out;
}

static void assert_good(odeon_status status, idx_items *items)
{
    if (status != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    memory expected = good();
    assert_int_equal(items->count, N_ITEMS);
    assert_int_equal(items->item_bytes, 6);
    assert_memory_equal(items->data, expected.bytes + HEADER, SIZE - HEADER);
    mem_free(items->data);
}

static void assert_refused(const char *what, memory *m, odeon_status expected, const char *reason)
{
    idx_items items;
    int64_t before = mem_live_blocks();
    odeon_status status = read_2x3(m, &items);
    if (status != expected || strstr(diag_message(), reason) == NULL) {
        fail_msg("%s: status %d, \"%s\" lacks \"%s\"", what, (int)status, diag_message(), reason);
    }
    assert_null(items.data);
    assert_int_equal(mem_live_blocks(), before);
}

/* ---- what is good ---- */

static void test_plain_and_gzip_read_the_same(void **state)
{
    (void)state;
    idx_items items;
    memory plain = good(), packed = good_gzip();
    assert_good(read_2x3(&plain, &items), &items);
    assert_good(read_2x3(&packed, &items), &items);
}

static void test_short_reads_change_nothing(void **state)
{
    (void)state;
    for (size_t chunk = 1; chunk <= 5; chunk += 2) {
        idx_items items;
        memory plain = good(), packed = good_gzip();
        plain.chunk = packed.chunk = chunk;
        assert_good(read_2x3(&plain, &items), &items);
        assert_good(read_2x3(&packed, &items), &items);
    }
}

static void test_leading_ones_of_a_shape_count_for_nothing(void **state)
{
    (void)state;
    idx_items items;
    memory m = good();
    assert_good(read_as(&m, 4, (int64_t[]){1, 1, 2, 3}, &items), &items);
    /* and in the file: [4,1,2,3] */
    memory four = {.n = SIZE + 4};
    static const unsigned char header[20] = {0, 0, 8, 4, 0, 0, 0, 4, 0, 0,
                                             0, 1, 0, 0, 0, 2, 0, 0, 0, 3};
    memcpy(four.bytes, header, sizeof header);
    memcpy(four.bytes + sizeof header, m.bytes + HEADER, SIZE - HEADER);
    assert_good(read_2x3(&four, &items), &items);
}

/* Items of one byte, which have no dimension but ones, or none at all. */
static void test_items_of_ones_alone_are_of_any_such_shape(void **state)
{
    (void)state;
    static const int64_t ones[] = {1, 1, 1};
    for (unsigned char ndim = 1; ndim <= 3; ndim++) {
        memory m = {.n = 4 + 4 * (size_t)ndim + N_ITEMS};
        m.bytes[2] = 8;
        m.bytes[3] = ndim;
        m.bytes[7] = N_ITEMS;
        for (size_t i = 1; i < ndim; i++) {
            m.bytes[7 + 4 * i] = 1;
        }
        for (int32_t expected = 0; expected <= 3; expected++) {
            idx_items items;
            if (read_as(&m, expected, ones, &items) != ODEON_OK) {
                fail_msg("%d dimensions as %d: %s", ndim - 1, (int)expected, diag_message());
            }
            assert_int_equal(items.count, N_ITEMS);
            assert_int_equal(items.item_bytes, 1);
            mem_free(items.data);
        }
    }
}

static void test_labels_have_no_shape(void **state)
{
    (void)state;
    idx_items items;
    memory m = {.bytes = {0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9}, .n = 11};
    assert_int_equal(read_as(&m, 0, NULL, &items), ODEON_OK);
    assert_int_equal(items.count, 3);
    assert_int_equal(items.item_bytes, 1);
    assert_memory_equal(items.data, ((unsigned char[]){7, 8, 9}), 3);
    mem_free(items.data);
}

/* Contents larger than any buffer, packed about as well as deflate can. */
static void test_well_packed_data_are_no_bomb(void **state)
{
    (void)state;
    enum { N = 3000000 };
    unsigned char *plain = calloc(1, 16 + N);
    static const unsigned char header[16] = {0, 0, 8, 3, 0, 0x0f, 0x42, 0x40,
                                             0, 0, 0, 1, 0, 0,    0,    3};
    assert_non_null(plain);
    memcpy(plain, header, sizeof header);
    memory m = {0};
    z_stream z = {.next_in = plain, .avail_in = 16 + N, .next_out = m.bytes, .avail_out = ROOM};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    m.n = ROOM - z.avail_out;
    (void)deflateEnd(&z);
    free(plain);
    idx_items items;
    assert_int_equal(read_as(&m, 1, (int64_t[]){3}, &items), ODEON_OK);
    assert_int_equal(items.count, 1000000);
    mem_free(items.data);
}

/* ---- what is bad: headers ---- */

static void test_wrong_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        unsigned char at, value;
        const char *reason;
    } cases[] = {
        {0, 3, "starts with 03 00 08 03"},    {1, 1, "starts with 00 01 08 03"},
        {2, 0x00, "starts with 00 00 00 03"}, {2, 0x09, "starts with 00 00 09 03"},
        {2, 0x0d, "starts with 00 00 0d 03"}, {2, 0xff, "starts with 00 00 ff 03"},
        {3, 0, "starts with 00 00 08 00"},    {3, 7, "starts with 00 00 08 07"},
        {3, 255, "starts with 00 00 08 ff"},  {3, 1, "holds [4], expected [N,2,3]"},
        {3, 2, "holds [4,2], expected"},      {11, 3, "holds [4,3,3], expected [N,2,3]"},
        {8, 1, "holds [4,16777218,3]"},       {7, 0, "holds no items"},
        {7, 5, "30 bytes expected, 24"},      {7, 3, "goes on after the data"},
        {4, 0xff, "announces [4278190084"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memory m = good();
        m.bytes[cases[i].at] = cases[i].value;
        assert_refused(cases[i].reason, &m, ODEON_ERR_DATA, cases[i].reason);
        memory packed = {0};
        append_gzip(&packed, m.bytes, m.n);
        assert_refused(cases[i].reason, &packed, ODEON_ERR_DATA,
                       cases[i].at == 7 && cases[i].value == 5 ? "ends within" : cases[i].reason);
    }
}

static void test_other_kinds_of_files_are_refused(void **state)
{
    (void)state;
    static const char *const starts[] = {"PK\3\4", "\x03\x08\0\0", "\x89PNG", "[run]", "BZh9"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        memory m = good();
        memcpy(m.bytes, starts[i], 4);
        assert_refused(starts[i], &m, ODEON_ERR_DATA, "no IDX file");
    }
}

/* Products of 2^32, 2^64, and 2^95: none may wrap into something small. */
static void test_dimensions_that_overflow_are_refused(void **state)
{
    (void)state;
    static const unsigned char dims[][6] = {
        {0, 1, 0, 0, 0, 1}, {0x80, 0, 0x80, 0, 0x80, 0}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    for (size_t i = 0; i < sizeof dims / sizeof dims[0]; i++) {
        memory m = good();
        int64_t item[2];
        for (int d = 0; d < 3; d++) {
            m.bytes[4 + 4 * d] = dims[i][2 * d];
            m.bytes[5 + 4 * d] = dims[i][2 * d + 1];
        }
        item[0] = (int64_t)m.bytes[8] << 24 | m.bytes[9] << 16 | 2;
        item[1] = (int64_t)m.bytes[12] << 24 | m.bytes[13] << 16 | 3;
        idx_items items;
        assert_int_equal(read_as(&m, 2, item, &items), ODEON_ERR_DATA);
        assert_non_null(strstr(diag_message(), "announces"));
    }
}

static void test_an_item_without_bytes_is_refused(void **state)
{
    (void)state;
    memory m = good();
    idx_items items;
    m.bytes[15] = 0; /* [4,2,0] */
    assert_int_equal(read_as(&m, 2, (int64_t[]){2, 0}, &items), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), "holds no items"));
}

/* Files that could hold what they announce, had the machine that much memory. */
static void test_no_file_is_read_beyond_the_limit(void **state)
{
    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        memory plain = good();
        memset(plain.bytes + 4, 0xff, 4); /* 6 * (2^32 - 1) bytes are over 2^34 */
        memory m = {0};
        if (packed == 1) {
            append_gzip(&m, plain.bytes, plain.n);
        } else {
            m = plain;
        }
        idx_items items;
        instance_host(&host_instance);
        idx_source source = {.self = &m, .name = "test", .bytes = UINT64_MAX, .read = read_memory};
        diag_clear();
        assert_int_equal(idx_read(&host_instance.host, &source, 2, (int64_t[]){2, 3}, &items),
                         ODEON_ERR_DATA);
        assert_non_null(strstr(diag_message(), "limit of 17179869184"));
    }
}

/* ---- what is bad: lengths and gzip ---- */

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    memory plain = good(), packed = good_gzip();
    for (size_t n = 0; n < plain.n; n++) {
        memory m = plain;
        m.n = n;
        assert_refused("plain", &m, ODEON_ERR_DATA,
                       n < HEADER          ? "within its header"
                       : n < SIZE - HEADER ? "announces"
                                           : "within its data");
    }
    for (size_t n = 2; n < packed.n; n++) { /* header, deflate and trailer */
        memory m = packed;
        m.n = n;
        assert_refused("gzip", &m, ODEON_ERR_DATA, "cut off");
    }
}

/* A file that shrinks after its size was taken. */
static void test_fewer_bytes_than_the_file_had_are_refused(void **state)
{
    (void)state;
    memory m = good();
    idx_items items;
    instance_host(&host_instance);
    m.n -= 1;
    idx_source source = {.self = &m, .name = "test", .bytes = SIZE, .read = read_memory};
    diag_clear();
    assert_int_equal(idx_read(&host_instance.host, &source, 2, (int64_t[]){2, 3}, &items),
                     ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), "24 bytes expected, 23 found"));
}

static void test_bytes_too_many_are_refused(void **state)
{
    (void)state;
    memory m = good();
    m.n++;
    assert_refused("plain", &m, ODEON_ERR_DATA, "goes on");
    memory packed = {0};
    append_gzip(&packed, m.bytes, m.n);
    assert_refused("gzip", &packed, ODEON_ERR_DATA, "goes on");
}

static void test_what_follows_gzip_is_refused(void **state)
{
    (void)state;
    memory m = good_gzip();
    m.n++;
    assert_refused("garbage", &m, ODEON_ERR_DATA, "something else follows");
    m = good_gzip();
    m.bytes[m.n++] = 0x1f; /* less than two bytes of a member's start */
    assert_refused("a byte", &m, ODEON_ERR_DATA, "something else follows");
    m.n++;
    assert_refused("two bytes", &m, ODEON_ERR_DATA, "something else follows");
    m.bytes[m.n - 2] = 0x8b;
    assert_refused("two others", &m, ODEON_ERR_DATA, "something else follows");
    m = good_gzip();
    append_gzip(&m, (const unsigned char *)"x", 1);
    assert_refused("member", &m, ODEON_ERR_DATA, "goes on after the data");
    memory plain = good(); /* and between two members, which together would do */
    m = (memory){0};
    append_gzip(&m, plain.bytes, HEADER);
    m.bytes[m.n++] = 0;
    append_gzip(&m, plain.bytes + HEADER, SIZE - HEADER);
    assert_refused("zero between", &m, ODEON_ERR_DATA, "something else follows");
}

/* Cut at every byte into two members, with an empty one between and one behind, in reads of any
 * length: the two bytes that tell a member then lie across two of them. */
static void test_gzip_of_several_members_reads_as_one(void **state)
{
    (void)state;
    memory plain = good();
    for (size_t cut = 0; cut <= plain.n; cut++) {
        for (size_t chunk = 0; chunk <= 3; chunk++) {
            memory m = {.chunk = chunk};
            idx_items items;
            append_gzip(&m, plain.bytes, cut);
            append_gzip(&m, plain.bytes, 0);
            append_gzip(&m, plain.bytes + cut, plain.n - cut);
            append_gzip(&m, plain.bytes, 0);
            assert_good(read_2x3(&m, &items), &items);
        }
    }
}

static void test_a_second_member_that_is_damaged_or_cut_off_is_refused(void **state)
{
    (void)state;
    memory plain = good(), first = {0};
    append_gzip(&first, plain.bytes, HEADER + 5);
    memory both = first;
    append_gzip(&both, plain.bytes + HEADER + 5, SIZE - HEADER - 5);
    assert_refused("one alone", &first, ODEON_ERR_DATA, "24 bytes expected, 5 found");
    for (size_t n = first.n + 2; n < both.n; n++) {
        memory m = both;
        m.n = n;
        assert_refused("cut off", &m, ODEON_ERR_DATA, "cut off");
    }
    both.bytes[both.n - 8] ^= 1;
    assert_refused("CRC", &both, ODEON_ERR_DATA, "incorrect data check");
}

static void test_wrong_check_sums_are_refused(void **state)
{
    (void)state;
    memory m = good_gzip();
    m.bytes[m.n - 8] ^= 1;
    assert_refused("CRC", &m, ODEON_ERR_DATA, "incorrect data check");
    m = good_gzip();
    m.bytes[m.n - 4] ^= 1;
    assert_refused("ISIZE", &m, ODEON_ERR_DATA, "incorrect length check");
    m = good_gzip();
    m.bytes[3] |= 0xe0;
    assert_refused("reserved flags", &m, ODEON_ERR_DATA, "unknown header flags");
    m = good_gzip();
    m.bytes[2] = 7;
    assert_refused("method", &m, ODEON_ERR_DATA, "unknown compression method");
}

static void test_every_flipped_bit_of_gzip_is_refused_or_harmless(void **state)
{
    (void)state;
    memory packed = good_gzip();
    size_t accepted = 0;
    for (size_t bit = 0; bit < packed.n * 8; bit++) {
        memory m = packed;
        m.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        idx_items items;
        odeon_status status = read_2x3(&m, &items);
        if (status == ODEON_OK) {
            assert_good(status, &items);
            accepted++;
        } else {
            assert_int_equal(status, ODEON_ERR_DATA);
        }
    }
    /* nobody looks at time, extra flags and system (6 bytes), FTEXT, and what fills the last byte
     */
    assert_in_range(accepted, 6 * 8 + 1, 6 * 8 + 1 + 7);
}

/* ---- what the machine does ---- */

static void test_a_failing_read_is_reported(void **state)
{
    (void)state;
    for (size_t at = 1; at <= SIZE; at++) { /* the last: while looking whether more follows */
        memory m = good();
        m.chunk = 1;
        m.fail_at = at;
        assert_refused("plain", &m, ODEON_ERR_IO, "Input/output error");
    }
    memory packed = good_gzip();
    for (size_t at = 1; at <= packed.n; at++) {
        memory m = packed;
        m.chunk = 1;
        m.fail_at = at;
        assert_refused("gzip", &m, ODEON_ERR_IO, "Input/output error");
    }
}

static void test_every_failing_allocation_is_survived(void **state)
{
    (void)state;
    odeon_status status = ODEON_ERR_NOMEM;
    int64_t before = mem_live_blocks(), n = 0;
    idx_items items;
    memory m = good_gzip();
    while (status == ODEON_ERR_NOMEM && n < 20) {
        mem_fail_at(++n);
        status = read_2x3(&m, &items);
        mem_fail_at(0);
        assert_true(status == ODEON_OK || mem_live_blocks() == before);
    }
    assert_good(status, &items);
    assert_in_range(n, 4, 19); /* the stream, zlib's two, the data, then success */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_and_gzip_read_the_same),
        cmocka_unit_test(test_short_reads_change_nothing),
        cmocka_unit_test(test_leading_ones_of_a_shape_count_for_nothing),
        cmocka_unit_test(test_items_of_ones_alone_are_of_any_such_shape),
        cmocka_unit_test(test_labels_have_no_shape),
        cmocka_unit_test(test_well_packed_data_are_no_bomb),
        cmocka_unit_test(test_wrong_headers_are_refused),
        cmocka_unit_test(test_other_kinds_of_files_are_refused),
        cmocka_unit_test(test_dimensions_that_overflow_are_refused),
        cmocka_unit_test(test_an_item_without_bytes_is_refused),
        cmocka_unit_test(test_no_file_is_read_beyond_the_limit),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_fewer_bytes_than_the_file_had_are_refused),
        cmocka_unit_test(test_bytes_too_many_are_refused),
        cmocka_unit_test(test_what_follows_gzip_is_refused),
        cmocka_unit_test(test_gzip_of_several_members_reads_as_one),
        cmocka_unit_test(test_a_second_member_that_is_damaged_or_cut_off_is_refused),
        cmocka_unit_test(test_wrong_check_sums_are_refused),
        cmocka_unit_test(test_every_flipped_bit_of_gzip_is_refused_or_harmless),
        cmocka_unit_test(test_a_failing_read_is_reported),
        cmocka_unit_test(test_every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
