#include "format/png.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/output_file.h"

enum { BLOCK = 65535, CHUNK_BYTES = 12, HEAD_BYTES = 13, GREY = 0, RGB = 2 };

/* What is written, in memory that is large enough from the start. */
typedef struct writer {
    uint8_t *data;
    size_t n;
} writer;

static void put(writer *w, const void *data, size_t bytes)
{
    memcpy(w->data + w->n, data, bytes);
    w->n += bytes;
}

static void put_u32(writer *w, uint32_t x)
{
    const uint8_t bytes[] = {(uint8_t)(x >> 24), (uint8_t)(x >> 16), (uint8_t)(x >> 8), (uint8_t)x};
    put(w, bytes, sizeof bytes);
}

/* ISO/IEC 15948, annex D. */
static uint32_t crc32_of(const uint8_t *x, size_t n)
{
    uint32_t sum = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        sum ^= x[i];
        for (int bit = 0; bit < 8; bit++) {
            sum = (sum & 1) != 0 ? UINT32_C(0xedb88320) ^ sum >> 1 : sum >> 1;
        }
    }
    return ~sum;
}

/* RFC 1950, section 9. */
static uint32_t adler32_of(const uint8_t *x, size_t n)
{
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < n; i++) {
        a = (a + x[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

/* Length, name, data, and the sum of the last two. */
static void put_chunk(writer *w, const char name[5], const void *data, size_t bytes)
{
    put_u32(w, (uint32_t)bytes);
    size_t begin = w->n;
    put(w, name, 4);
    put(w, data, bytes);
    put_u32(w, crc32_of(w->data + begin, w->n - begin));
}

static void put_head(writer *w, int32_t width, int32_t height, int32_t channels)
{
    uint8_t head[HEAD_BYTES] = {0};
    writer h = {.data = head};
    put_u32(&h, (uint32_t)width);
    put_u32(&h, (uint32_t)height);
    head[8] = 8; /* bits a channel */
    head[9] = channels == 3 ? RGB : GREY;
    put_chunk(w, "IHDR", head, sizeof head);
}

/* Stored blocks between the two bytes of zlib and the sum of all lines. */
static void put_stored(writer *w, const uint8_t *lines, size_t bytes)
{
    const uint8_t zlib[] = {0x78, 0x01};
    put(w, zlib, sizeof zlib);
    for (size_t at = 0; at < bytes; at += BLOCK) {
        size_t n = bytes - at < BLOCK ? bytes - at : BLOCK;
        const uint8_t head[] = {at + n == bytes, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)~n,
                                (uint8_t)(~n >> 8)};
        put(w, head, sizeof head);
        put(w, lines + at, n);
    }
    put_u32(w, adler32_of(lines, bytes));
}

/* Each line follows a byte that names its filter, 0: none. */
static void fill_lines(uint8_t *lines, int32_t height, size_t line, const uint8_t *pixels)
{
    for (int32_t row = 0; row < height; row++) {
        lines[(size_t)row * (line + 1)] = 0;
        memcpy(lines + (size_t)row * (line + 1) + 1, pixels + (size_t)row * line, line);
    }
}

odeon_status png_write_output(const char *path, int32_t width, int32_t height, int32_t channels,
                              const uint8_t *pixels)
{
    static const uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    size_t line = (size_t)width * (size_t)channels, bytes = (size_t)height * (line + 1);
    size_t stored = 2 + bytes + 5 * (bytes / BLOCK + 1) + 4;
    uint8_t *lines = mem_zalloc(bytes, 1), *data = mem_zalloc(stored, 1);
    writer packed = {.data = data};
    writer w = {.data = mem_zalloc(sizeof signature + 3 * CHUNK_BYTES + HEAD_BYTES + stored, 1)};
    odeon_status status = diag_fail(ODEON_ERR_NOMEM, "%s: no memory for the image", path);
    if (lines != NULL && data != NULL && w.data != NULL) {
        diag_clear();
        fill_lines(lines, height, line, pixels);
        put_stored(&packed, lines, bytes);
        put(&w, signature, sizeof signature);
        put_head(&w, width, height, channels);
        put_chunk(&w, "IDAT", packed.data, packed.n);
        put_chunk(&w, "IEND", "", 0);
        status = output_file_put(path, w.data, w.n);
    }
    mem_free(lines);
    mem_free(data);
    mem_free(w.data);
    return status;
}
