/* safetensors_write.h: named tensors to a file. */
#ifndef ODEON_CORE_FORMAT_SAFETENSORS_WRITE_H
#define ODEON_CORE_FORMAT_SAFETENSORS_WRITE_H
#include <stddef.h>

#include "format/safetensors_entry.h"
#include "odeon/status.h"

/* Writes path whole or not at all: a temporary file in its folder, fsync, rename, fsync of the
 * folder. Entries may be in any order. ODEON_ERR_IO, ODEON_ERR_NOMEM; ODEON_ERR_DATA if the reader
 * would refuse it: a name twice or bytes that disagree with the shape. */
odeon_status safetensors_write(const char *path, size_t n, const safetensors_entry *entries,
                               size_t n_meta, const safetensors_meta *meta);
/* The same to what the user names (output_file.h): also to a pipe, a device or a descriptor. */
odeon_status safetensors_write_output(const char *path, size_t n, const safetensors_entry *entries,
                                      size_t n_meta, const safetensors_meta *meta);

enum { SAFETENSORS_PIECE_BYTES = 1 << 20 }; /* whole elements of every dtype */

/* Gives bytes of the data of entries[index], from offset on; no more than a piece at once. */
typedef odeon_status (*safetensors_source)(void *context, size_t index, uint64_t offset,
                                           size_t bytes, void *out);
/* The same with data that is asked for piece by piece while it is written: entries have none. */
odeon_status safetensors_write_from(const char *path, size_t n, const safetensors_entry *entries,
                                    size_t n_meta, const safetensors_meta *meta,
                                    safetensors_source source, void *context);

#endif
