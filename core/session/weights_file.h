/* weights_file.h: a file of weights that a user names: a safetensors file, a checkpoint, or the one
 * that a run's folder stands for. */
#ifndef ODEON_CORE_SESSION_WEIGHTS_FILE_H
#define ODEON_CORE_SESSION_WEIGHTS_FILE_H
#include "format/safetensors.h"
#include "net/params.h"

typedef struct weights_file {
    char *path; /* of the file itself, for messages */
    safetensors *tensors;
} weights_file;

/* A checkpoint's checksum is verified. On failure out is closed. */
odeon_status weights_file_open(const char *path, weights_file *out);
void weights_file_close(weights_file *f); /* takes {0} */

/* A tensor of a file on its way to a parameter; the context of weights_tensor_numbers. */
typedef struct weights_tensor {
    const safetensors *file;
    const char *path;
    const safetensors_entry *entry;
    bool has_warned; /* of a number that is not finite: once is enough */
} weights_tensor;

/* Finds p's tensor in the file, of p's shape and in F32 or F64; else ODEON_ERR_DATA. */
odeon_status weights_tensor_find(const safetensors *file, const char *path, const param *p,
                                 weights_tensor *out);
/* n of its numbers from element first on, as a transfer_numbers. */
odeon_status weights_tensor_numbers(void *context, const param *p, int64_t first, int64_t n,
                                    double *out);

#endif
