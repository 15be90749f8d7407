/* reader.h: read the IDX format: two zero bytes, a type code, the number of dimensions, the
 * dimensions as 32-bit big-endian numbers, the data. Source: http://yann.lecun.com/exdb/mnist */
#ifndef ODEON_DATASET_IDX_READER_H
#define ODEON_DATASET_IDX_READER_H
#include "odeon/host.h"
#include "source.h"

#define IDX_MAX_DIMS 6 /* the number of items and up to 5 dimensions of an item */
/* Limit of memory for one file, whatever its header claims. */
#define IDX_MAX_BYTES ((uint64_t)1 << 34)

/* The items of a file, equal in size. */
typedef struct idx_items {
    int64_t count;      /* of items */
    int64_t item_bytes; /* product of an item's dimensions */
    uint8_t *data;      /* [count, item...]; host->free it */
} idx_items;

/* Reads a file of unsigned bytes, plain or gzip, whose items have the shape dim[ndim], ndim 0 to 5
 * (0: one byte each). Leading dimensions of 1 are ignored: [1,28,28] equals [28,28]. ODEON_ERR_DATA
 * (expected and found values), ODEON_ERR_IO, ODEON_ERR_NOMEM; out is then empty. */
odeon_status idx_read(const odeon_host *host, const idx_source *source, int32_t ndim,
                      const int64_t *dim, idx_items *out);

#endif
