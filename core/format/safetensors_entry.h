/* safetensors_entry.h: a named tensor of a file, read or to be written. */
#ifndef ODEON_CORE_FORMAT_SAFETENSORS_ENTRY_H
#define ODEON_CORE_FORMAT_SAFETENSORS_ENTRY_H
#include <stdint.h>

#include "odeon/tensor.h"

/* A tensor of ndim dimensions, row-major, its elements little-endian. Nothing of it is owned: name
 * and data belong to the file that was read, or to whoever writes. */
typedef struct safetensors_entry {
    const char *name;
    uint32_t dtype; /* ODEON_DTYPE_*; NONE for a dtype that we have no use for (BF16, ...) */
    int32_t ndim;
    int64_t dim[ODEON_MAX_DIMS];
    const void *data; /* not aligned: copy, do not cast */
    uint64_t bytes;
} safetensors_entry;

/* A pair of texts, borrowed likewise. */
typedef struct safetensors_meta {
    const char *key, *value;
} safetensors_meta;

#endif
