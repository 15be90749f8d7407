/* npy.h: one array as numpy.save writes it, versions 1.0 and 2.0 of the format.
 * The reader is strict: little-endian float32 and float64, uint8, int64, C order, at most
 * ODEON_MAX_DIMS dimensions, a header with exactly its three keys, and no byte more or less than
 * the shape says. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#ifndef ODEON_CORE_FORMAT_NPY_H
#define ODEON_CORE_FORMAT_NPY_H
#include "format/safetensors.h"

/* Reads the array from memory, which entry->data points into; name is for messages, and becomes the
 * entry's. ODEON_ERR_DATA: what is wrong. */
odeon_status npy_parse(const char *name, const void *data, size_t bytes, safetensors_entry *out);

/* Writes an array of float32 or float64 to what the user names (output_file.h). ODEON_ERR_IO,
 * ODEON_ERR_NOMEM. */
odeon_status npy_write_output(const char *path, uint32_t dtype, int32_t ndim, const int64_t *dim,
                              const void *data);

#endif
