/* safetensors.h: named tensors in a file: 8 bytes of header length, a JSON header, the data.
 * The reader is strict: it accepts what the format's reference reader accepts, and refuses besides
 * names and keys that stand twice, unknown keys, leading blanks, NUL in strings, null in place of
 * __metadata__, and more than ODEON_MAX_DIMS dimensions.
 * https://github.com/huggingface/safetensors */
#ifndef ODEON_CORE_FORMAT_SAFETENSORS_H
#define ODEON_CORE_FORMAT_SAFETENSORS_H
#include <stddef.h>

#include "odeon/status.h"
#include "odeon/tensor.h"

typedef struct safetensors safetensors;

typedef struct safetensors_entry {
    const char *name;
    int32_t dtype; /* ODEON_DTYPE_*; NONE for a dtype that we have no use for (BF16, ...) */
    int32_t ndim;
    int64_t dim[ODEON_MAX_DIMS];
    const void *data; /* not aligned: copy, do not cast */
    uint64_t bytes;
} safetensors_entry;

typedef struct safetensors_meta {
    const char *key, *value;
} safetensors_meta;

/* Reads a whole file. ODEON_ERR_IO, ODEON_ERR_DATA (what is wrong and where), ODEON_ERR_NOMEM. */
odeon_status safetensors_read(const char *path, safetensors **out);
/* The same, but of the file only the header comes into memory, and the tensors stay where they are:
 * data of the entries is NULL, safetensors_get reads them. The file stays open until destroy. */
odeon_status safetensors_open(const char *path, safetensors **out);
/* The same from memory, which is borrowed until destroy; name is for messages. */
odeon_status safetensors_parse(const char *name, const void *data, uint64_t bytes,
                               safetensors **out);
void safetensors_destroy(safetensors *file); /* NULL is allowed */

size_t safetensors_count(const safetensors *file);
const safetensors_entry *safetensors_at(const safetensors *file, size_t index);       /* by name */
const safetensors_entry *safetensors_find(const safetensors *file, const char *name); /* or NULL */
const char *safetensors_metadata(const safetensors *file, const char *key);           /* or NULL */

/* Bytes of a tensor's data, from offset on, however the file was opened. ODEON_ERR_IO. */
odeon_status safetensors_get(const safetensors *file, const safetensors_entry *entry,
                             uint64_t offset, size_t bytes, void *out);

/* The elements as double, from F32, F64, I64 or U8; out has room for all. */
odeon_status safetensors_as_f64(const safetensors_entry *entry, double *out);
/* Of n elements that lie at data. */
odeon_status safetensors_convert(const safetensors_entry *entry, const void *data, int64_t n,
                                 double *out);
int64_t safetensors_elements(const safetensors_entry *entry);

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
