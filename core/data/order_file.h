/* order_file.h: data.order: a text file with the samples in use, in the order of training. */
#ifndef ODEON_CORE_DATA_ORDER_FILE_H
#define ODEON_CORE_DATA_ORDER_FILE_H
#include <stdint.h>

#include "odeon/status.h"

/* *order becomes the file's *n indices of samples, 0 to stored - 1, each as often as it stands
 * there; the caller frees it, on failure too. ODEON_ERR_DATA with file and line; ODEON_ERR_IO,
 * ODEON_ERR_NOMEM. */
odeon_status order_file_read(const char *path, int64_t stored, int64_t **order, int64_t *n);

#endif
