/* source.h: an abstract stream of bytes, so that tests can read from memory. */
#ifndef ODEON_DATASET_IDX_SOURCE_H
#define ODEON_DATASET_IDX_SOURCE_H
#include <stdint.h>

/* A readable source; borrowed by its readers. */
typedef struct idx_source {
    void *self;
    const char *name; /* for messages */
    uint64_t bytes;   /* total number of bytes */
    /* Reads up to bytes into buffer and returns how many: 0 only at the end, possibly fewer than
     * requested; negative: minus an errno value. */
    int64_t (*read)(void *self, void *buffer, uint64_t bytes);
} idx_source;

#endif
