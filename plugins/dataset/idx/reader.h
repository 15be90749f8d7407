/* reader.h: the IDX format: 00 00, a type code, the number of dimensions, these as 32-bit
 * big-endian numbers, the data. Source: http://yann.lecun.com/exdb/mnist */
#ifndef ODEON_DATASET_IDX_READER_H
#define ODEON_DATASET_IDX_READER_H
#include "odeon/host.h"
#include "source.h"

#define IDX_MAX_DIMS 6 /* the count of items and up to 5 of an item */
/* No file may ask for more memory than this, whatever its header says. */
#define IDX_MAX_BYTES ((uint64_t)1 << 34)

typedef struct idx_items {
    int64_t count;      /* of items */
    int64_t item_bytes; /* product of an item's dimensions */
    uint8_t *data;      /* [count, item...]; host->free it */
} idx_items;

/* Reads a whole file of unsigned bytes whose items have the shape dim[ndim], ndim 0 to 5 (0: one
 * byte each), stored as it is or as gzip. Leading dimensions of 1 count for nothing: [1,28,28] is
 * [28,28]. Depends on nothing but the bytes of source. ODEON_ERR_DATA (what was expected, what was
 * found), ODEON_ERR_IO, ODEON_ERR_NOMEM; out then holds nothing. */
odeon_status idx_read(const odeon_host *host, const idx_source *source, int32_t ndim,
                      const int64_t *dim, idx_items *out);

#endif
