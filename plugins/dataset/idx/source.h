/* source.h: bytes in order, from wherever they come. */
#ifndef ODEON_DATASET_IDX_SOURCE_H
#define ODEON_DATASET_IDX_SOURCE_H
#include <stdint.h>

typedef struct idx_source {
    void *self;
    const char *name; /* for messages */
    uint64_t bytes;   /* how many there are in all */
    /* Copies up to bytes into buffer and says how many: 0 only at the end, fewer than asked at any
     * time. Negative: an errno value, negated. */
    int64_t (*read)(void *self, void *buffer, uint64_t bytes);
} idx_source;

#endif
