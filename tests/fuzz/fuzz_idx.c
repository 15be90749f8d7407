/* An IDX file of any bytes, plain or gzip: refused with a reason, or all items are there. The first
 * byte of the input says how the rest is read:
 *   bits 0-2  dimensions of an item (0 to 5; 6 and 7 stand for 2)
 *   bits 3-4  bytes that one read gives: all, 1, 2, 7
 *   bit 5     the rest is what is packed into a sound gzip file, not the file itself
 * then follows a byte for each dimension, its size. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/diag.h"
#include "base/mem.h"
#include "fuzz.h"
#include "plugin/instance.h"

/* A plugin's sources, which no library offers. */
#include "dataset/idx/reader.c"
#include "dataset/idx/stream.c"

typedef struct bytes_source {
    const uint8_t *data;
    size_t bytes, at, chunk;
} bytes_source;

static int64_t read_some(void *self, void *buffer, uint64_t bytes)
{
    bytes_source *source = self;
    size_t n = source->bytes - source->at;
    n = n < bytes ? n : bytes;
    n = n < source->chunk ? n : source->chunk;
    if (n > 0) {
        memcpy(buffer, source->data + source->at, n);
    }
    source->at += n;
    return (int64_t)n;
}

/* A gzip file of data; free it. */
static uint8_t *pack(const uint8_t *data, size_t bytes, size_t *packed)
{
    z_stream z = {0};
    fuzz_demand(deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK,
                "zlib can pack");
    uLong room = deflateBound(&z, (uLong)bytes);
    uint8_t *copy = malloc(bytes + 1), *out = malloc(room);
    fuzz_demand(copy != NULL && out != NULL, "there is memory");
    memcpy(copy, data, bytes);
    z.next_in = copy;
    z.avail_in = (uInt)bytes;
    z.next_out = out;
    z.avail_out = (uInt)room;
    fuzz_demand(deflate(&z, Z_FINISH) == Z_STREAM_END, "zlib has packed");
    *packed = room - z.avail_out;
    (void)deflateEnd(&z);
    free(copy);
    return out;
}

static void read_items_of(const uint8_t *data, size_t bytes, size_t chunk, int32_t ndim,
                          const int64_t *dim)
{
    static char nowhere[] = "";
    static instance host_instance = {.path = nowhere};
    instance_host(&host_instance);
    bytes_source self = {.data = data, .bytes = bytes, .chunk = chunk};
    idx_source source = {.self = &self, .name = "fuzz", .bytes = bytes, .read = read_some};
    idx_items items;
    odeon_status status = idx_read(&host_instance.host, &source, ndim, dim, &items);
    fuzz_demand((status == ODEON_OK) == (items.data != NULL), "there is a result or a failure");
    if (items.data == NULL) {
        fuzz_check_failure(status);
        return;
    }
    int64_t item_bytes = 1;
    for (int32_t i = 0; i < ndim; i++) {
        item_bytes *= dim[i];
    }
    fuzz_demand(items.item_bytes == item_bytes && items.count > 0, "items have the shape asked");
    fuzz_demand(self.at == bytes, "the whole file was read");
    uint8_t *copy = malloc((size_t)(items.count * item_bytes)); /* ASan looks at all of it */
    fuzz_demand(copy != NULL, "there is memory");
    memcpy(copy, items.data, (size_t)(items.count * item_bytes));
    free(copy);
    mem_free(items.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const size_t chunks[] = {SIZE_MAX, 1, 2, 7};
    int32_t ndim = bytes > 0 ? data[0] & 7 : 0;
    ndim = ndim <= 5 ? ndim : 2;
    if (bytes < 1 + (size_t)ndim) {
        return 0;
    }
    int64_t dim[IDX_MAX_DIMS] = {0}, blocks = mem_live_blocks();
    for (int32_t i = 0; i < ndim; i++) {
        dim[i] = data[1 + i];
    }
    size_t chunk = chunks[data[0] >> 3 & 3], packed = 0;
    const uint8_t *file = data + 1 + ndim;
    bytes -= 1 + (size_t)ndim;
    if ((data[0] & 0x20) != 0) {
        uint8_t *gzip = pack(file, bytes, &packed);
        read_items_of(gzip, packed, chunk, ndim, dim);
        free(gzip);
    } else {
        read_items_of(file, bytes, chunk, ndim, dim);
    }
    fuzz_demand(mem_live_blocks() == blocks, "nothing leaks");
    return 0;
}
