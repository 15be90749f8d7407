/* read_file.h: read a whole file into memory. */
#ifndef ODEON_CORE_BASE_READ_FILE_H
#define ODEON_CORE_BASE_READ_FILE_H
#include <stddef.h>

#include "odeon/status.h"

/* Reads a regular file into *out and appends a NUL that *bytes does not count. The caller frees
 * *out with mem_free. Errors: ODEON_ERR_IO, ODEON_ERR_NOMEM; *out is then NULL. */
odeon_status read_file(const char *path, char **out, size_t *bytes);

#endif
