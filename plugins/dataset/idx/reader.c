#include "reader.h"

#include <stdbool.h>
#include <stdio.h>

#include "stream.h"

enum { TYPE_U8 = 0x08, MAGIC_BYTES = 4, DIM_BYTES = 4 };
enum { SHAPE_TEXT = 2 + 21 * IDX_MAX_DIMS }; /* any int64 with a comma each, brackets and NUL */

typedef struct shape {
    int32_t ndim;
    int64_t dim[IDX_MAX_DIMS];
} shape;

/* Prints "[60000,28,28]", or N as first dimension if the count is not known. */
static void print_shape(const shape *x, bool count_known, char text[SHAPE_TEXT])
{
    int at = count_known ? sprintf(text, "[%lld", (long long)x->dim[0]) : sprintf(text, "[N");
    for (int32_t i = 1; i < x->ndim; i++) {
        at += sprintf(text + at, ",%lld", (long long)x->dim[i]);
    }
    (void)sprintf(text + at, "]");
}

/* Reads exactly bytes; what names the part in the message. */
static odeon_status read_all(const odeon_host *host, const idx_source *source, idx_stream *stream,
                             const char *what, uint64_t bytes, uint8_t *out)
{
    uint64_t got;
    ODEON_TRY(idx_stream_read(stream, out, bytes, &got));
    if (got < bytes) {
        return odeon_fail(host, ODEON_ERR_DATA,
                          "%s: ends within its %s: %llu bytes expected, %llu found; get the file "
                          "again",
                          source->name, what, (unsigned long long)bytes, (unsigned long long)got);
    }
    return ODEON_OK;
}

/* Only type 0x08, unsigned bytes, occurs in the data sets that this reads. */
static odeon_status read_header(const odeon_host *host, const idx_source *source,
                                idx_stream *stream, shape *out)
{
    uint8_t magic[MAGIC_BYTES], dim[IDX_MAX_DIMS * DIM_BYTES];
    ODEON_TRY(read_all(host, source, stream, "header", sizeof magic, magic));
    if (magic[0] != 0 || magic[1] != 0 || magic[2] != TYPE_U8 || magic[3] < 1 ||
        magic[3] > IDX_MAX_DIMS) {
        return odeon_fail(host, ODEON_ERR_DATA,
                          "%s: no IDX file of unsigned bytes: it starts with %02x %02x %02x %02x, "
                          "expected 00 00 08 and 1 to %d dimensions",
                          source->name, magic[0], magic[1], magic[2], magic[3], IDX_MAX_DIMS);
    }
    *out = (shape){.ndim = magic[3]};
    ODEON_TRY(read_all(host, source, stream, "header", (uint64_t)out->ndim * DIM_BYTES, dim));
    for (int32_t i = 0; i < out->ndim; i++) {
        const uint8_t *p = dim + i * DIM_BYTES;
        out->dim[i] = (int64_t)p[0] << 24 | (int64_t)p[1] << 16 | (int64_t)p[2] << 8 | p[3];
    }
    return ODEON_OK;
}

/* Does the shape found, without the count, equal the one expected, ignoring leading ones? */
static bool same_item(const shape *found, int32_t ndim, const int64_t *dim)
{
    const int64_t *a = found->dim + 1;
    int32_t n = found->ndim - 1;
    while (n > 0 && *a == 1) {
        a++;
        n--;
    }
    while (ndim > 0 && *dim == 1) {
        dim++;
        ndim--;
    }
    bool same = n == ndim;
    for (int32_t i = 0; same && i < n; i++) {
        same = a[i] == dim[i];
    }
    return same;
}

/* A wrong shape is reported with both shapes; an empty file is refused. */
static odeon_status check_shape(const odeon_host *host, const char *name, const shape *found,
                                int32_t ndim, const int64_t *dim)
{
    if (!same_item(found, ndim, dim)) {
        char found_text[SHAPE_TEXT], expected_text[SHAPE_TEXT];
        shape expected = {.ndim = ndim + 1};
        for (int32_t i = 0; i < ndim; i++) {
            expected.dim[i + 1] = dim[i];
        }
        print_shape(found, true, found_text);
        print_shape(&expected, false, expected_text);
        return odeon_fail(host, ODEON_ERR_DATA,
                          "%s: holds %s, expected %s: another file, or the option shape is wrong",
                          name, found_text, expected_text);
    }
    for (int32_t i = 0; i < found->ndim; i++) {
        if (found->dim[i] == 0) {
            return odeon_fail(host, ODEON_ERR_DATA, "%s: holds no items", name);
        }
    }
    return ODEON_OK;
}

/* *out = product of all dimensions. Checked against what the file can hold before anything is
 * allocated, since the header may be damaged or hostile. */
static odeon_status data_bytes(const odeon_host *host, const idx_source *source,
                               const idx_stream *stream, const shape *found, uint64_t *out)
{
    uint64_t bound = idx_stream_bound(stream), bytes = 1;
    if (bound > IDX_MAX_BYTES) {
        bound = IDX_MAX_BYTES;
    }
    for (int32_t i = 0; i < found->ndim; i++) {
        uint64_t dim = (uint64_t)found->dim[i];
        if (bytes > bound / dim) { /* check_shape has excluded 0 */
            char text[SHAPE_TEXT];
            print_shape(found, true, text);
            return odeon_fail(host, ODEON_ERR_DATA,
                              "%s: announces %s bytes, more than a file of %llu bytes can hold (or "
                              "than the limit of %llu)",
                              source->name, text, (unsigned long long)source->bytes,
                              (unsigned long long)IDX_MAX_BYTES);
        }
        bytes *= dim;
    }
    *out = bytes;
    return ODEON_OK;
}

static odeon_status read_items(const odeon_host *host, const idx_source *source, idx_stream *stream,
                               int32_t ndim, const int64_t *dim, idx_items *out)
{
    shape found;
    uint64_t bytes = 0;
    ODEON_TRY(read_header(host, source, stream, &found));
    ODEON_TRY(check_shape(host, source->name, &found, ndim, dim));
    ODEON_TRY(data_bytes(host, source, stream, &found, &bytes));
    out->count = found.dim[0];
    out->item_bytes = (int64_t)bytes / found.dim[0];
    out->data = host->alloc(host, bytes);
    if (out->data == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory for its %llu bytes", source->name,
                          (unsigned long long)bytes);
    }
    ODEON_TRY(read_all(host, source, stream, "data", bytes, out->data));
    return idx_stream_finish(stream);
}

odeon_status idx_read(const odeon_host *host, const idx_source *source, int32_t ndim,
                      const int64_t *dim, idx_items *out)
{
    *out = (idx_items){0};
    idx_stream *stream;
    ODEON_TRY(idx_stream_open(host, source, &stream));
    odeon_status status = read_items(host, source, stream, ndim, dim, out);
    idx_stream_close(stream);
    if (status != ODEON_OK) {
        host->free(host, out->data);
        *out = (idx_items){0};
    }
    return status;
}
