#include "tfrecord.h"

#include <string.h>

/* ---- bytes ---- */

void tf_bytes_fini(tf_bytes *b)
{
    b->host->free(b->host, b->data);
    b->data = NULL;
    b->n = b->room = 0;
}

static int32_t make_room(tf_bytes *b, uint64_t n)
{
    enum { LEAST = 256 };
    if (b->failed || b->n + n <= b->room) {
        return !b->failed;
    }
    uint64_t room = 2 * (b->n + n) + LEAST;
    uint8_t *data = b->host->alloc(b->host, room);
    if (data == NULL) {
        b->failed = 1;
        return 0;
    }
    if (b->n > 0) {
        memcpy(data, b->data, b->n);
    }
    b->host->free(b->host, b->data);
    b->data = data;
    b->room = room;
    return 1;
}

void tf_bytes_add(tf_bytes *b, const void *bytes, uint64_t n)
{
    if (n > 0 && make_room(b, n)) {
        memcpy(b->data + b->n, bytes, n);
        b->n += n;
    }
}

/* ---- records ---- */

/* Bit by bit: a row is a few kilobytes, and a table would be as long as the code. */
uint32_t tf_crc32c(const void *bytes, uint64_t n)
{
    const uint8_t *p = bytes;
    uint32_t crc = 0xffffffffu;
    for (uint64_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1u)));
        }
    }
    return crc ^ 0xffffffffu;
}

static void add_little_endian(tf_bytes *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));
        tf_bytes_add(to, &byte, 1);
    }
}

/* So that a CRC over bytes that contain one says something. */
static void add_masked_crc(tf_bytes *to, const void *bytes, uint64_t n)
{
    uint32_t crc = tf_crc32c(bytes, n);
    add_little_endian(to, ((crc >> 15) | (crc << 17)) + 0xa282ead8u, 4);
}

void tf_put_record(tf_bytes *to, const void *data, uint64_t n)
{
    uint64_t at = to->n;
    add_little_endian(to, n, 8);
    if (!to->failed) {
        uint8_t length[8];
        memcpy(length, to->data + at, sizeof length);
        add_masked_crc(to, length, sizeof length);
    }
    tf_bytes_add(to, data, n);
    add_masked_crc(to, data, n);
}

/* ---- messages ---- */

enum { VARINT = 0, EIGHT_BYTES = 1, LENGTH = 2, FOUR_BYTES = 5 };

static void add_varint(tf_bytes *to, uint64_t value)
{
    do {
        uint8_t byte = (uint8_t)((value & 0x7fu) | (value > 0x7fu ? 0x80u : 0u));
        tf_bytes_add(to, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

static void add_key(tf_bytes *to, uint32_t field, uint32_t type)
{
    add_varint(to, (uint64_t)field << 3 | type);
}

void tf_put_double(tf_bytes *to, uint32_t field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    add_key(to, field, EIGHT_BYTES);
    add_little_endian(to, bits, 8);
}

void tf_put_float(tf_bytes *to, uint32_t field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    add_key(to, field, FOUR_BYTES);
    add_little_endian(to, bits, 4);
}

void tf_put_whole(tf_bytes *to, uint32_t field, int64_t value)
{
    add_key(to, field, VARINT);
    add_varint(to, (uint64_t)value);
}

void tf_put_bytes(tf_bytes *to, uint32_t field, const void *bytes, uint64_t n)
{
    add_key(to, field, LENGTH);
    add_varint(to, n);
    tf_bytes_add(to, bytes, n);
}
