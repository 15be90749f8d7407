/* batch_file.h: a batch as tensors of a safetensors file: x, y, and time, mask, control where the
 * data set has such fields. Numbers are read from any dtype, x from F32 and F64 alone. */
#ifndef ODEON_CORE_DATA_BATCH_FILE_H
#define ODEON_CORE_DATA_BATCH_FILE_H
#include "data/data.h"
#include "format/safetensors.h"

/* "x", "y", "time", "mask", "control" of an ODEON_ROLE_*. */
const char *batch_file_name(int32_t role);
/* The dtype that a field is written in: classes I64, times F64, all else that of the run. */
uint32_t batch_file_dtype(const data_fields *fields, int32_t role, uint32_t dtype);

/* Reads x [n, ...], but for the batch of the shape of input, which is what the model takes, and
 * every other field of the data set [n, ...]; classes are whole numbers from 0 up to the data
 * set's. field[role] is NULL or the caller's (mem_free), whatever the answer. ODEON_ERR_IO,
 * ODEON_ERR_DATA, ODEON_ERR_NOMEM. */
odeon_status batch_file_read(const char *path, const odeon_shape *input, const data_fields *fields,
                             int64_t *n, double *field[DATA_ROLES]);
/* Are the numbers of a batch finite, and within dtype, that of the run? Of a label that the mask
 * counts out, anything goes. ODEON_ERR_DATA names file, tensor, sample and element. */
odeon_status batch_file_check(const char *path, const data_fields *fields, int64_t n,
                              const odeon_shape *input, const double *const *field);
/* Reads one other field than x; *out is the caller's, NULL on failure. */
odeon_status batch_file_field(const char *path, const safetensors *file, const data_fields *fields,
                              int32_t role, int64_t n, double **out);

#endif
