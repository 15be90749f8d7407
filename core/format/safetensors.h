/* safetensors.h: named tensors in a file: 8 bytes of header length, a JSON header, the data.
 * The reader is strict: it accepts what the format's reference reader accepts, and refuses besides
 * names and keys that stand twice, unknown keys, leading blanks, NUL in strings, null in place of
 * __metadata__, and more than ODEON_MAX_DIMS dimensions.
 * https://github.com/huggingface/safetensors */
#ifndef ODEON_CORE_FORMAT_SAFETENSORS_H
#define ODEON_CORE_FORMAT_SAFETENSORS_H
#include <stddef.h>

#include "format/safetensors_entry.h"
#include "odeon/status.h"

typedef struct safetensors safetensors;

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

#endif
