/* safetensors_header.h: the JSON header of a safetensors file, and nothing else of JSON. */
#ifndef ODEON_CORE_FORMAT_SAFETENSORS_HEADER_H
#define ODEON_CORE_FORMAT_SAFETENSORS_HEADER_H
#include <stddef.h>

#include "format/safetensors_entry.h"
#include "odeon/status.h"

#define SAFETENSORS_LENGTH_BYTES 8u         /* of the header's length, before the header */
#define SAFETENSORS_MAX_HEADER   100000000u /* the reference reader's limit */

typedef struct safetensors_dtype {
    const char *name; /* "F32" */
    uint32_t dtype;   /* ODEON_DTYPE_*; NONE: read, but of no use */
    uint32_t bits;    /* of an element */
} safetensors_dtype;

/* By name ("F32", length bytes) and by ODEON_DTYPE_*; NULL if the format has no such dtype. */
const safetensors_dtype *safetensors_dtype_named(const char *name, size_t length);
const safetensors_dtype *safetensors_dtype_of(uint32_t dtype);

/* entry comes first, so that a pointer to it is one to the whole. */
typedef struct safetensors_tensor {
    safetensors_entry entry; /* data not set */
    uint64_t begin, end;     /* in bytes, from the end of the header */
} safetensors_tensor;

/* Names, keys and values point into strings. The data is covered by [begin, end) of all tensors,
 * without hole or overlap. */
typedef struct safetensors_header {
    char *strings; /* all names, keys and values, each ending in NUL */
    size_t n_tensors, n_meta;
    safetensors_tensor *tensors; /* sorted by name */
    safetensors_meta *meta;      /* sorted by key */
} safetensors_header;

/* Reads text[0 .. bytes-1], which describes data_bytes bytes of data; file is for messages. Every
 * rule of the format is checked: the data is covered without hole or overlap. On failure out holds
 * nothing. ODEON_ERR_DATA, ODEON_ERR_NOMEM. */
odeon_status safetensors_header_init(const char *file, const void *text, size_t bytes,
                                     uint64_t data_bytes, safetensors_header *out);
void safetensors_header_fini(safetensors_header *header);

#endif
