/* regular_file.h: the bytes of a file on disk. */
#ifndef ODEON_DATASET_COMMON_REGULAR_FILE_H
#define ODEON_DATASET_COMMON_REGULAR_FILE_H
#include <stdbool.h>

#include "odeon/host.h"

/* No path may be longer, no file may ask for more memory. */
#define REGULAR_FILE_PATH_BYTES 4096
#define REGULAR_FILE_MAX_BYTES  ((uint64_t)1 << 34)

typedef struct regular_file {
    const char *path; /* borrowed from open to close */
    uint64_t bytes;   /* its size when it was opened */
    int fd;           /* -1: not open */
} regular_file;

/* Opens path to read. A file that does not exist is *found = false and no failure; anything but a
 * regular file (a folder, a FIFO) is ODEON_ERR_DATA, one that cannot be opened ODEON_ERR_IO. */
odeon_status regular_file_open(const odeon_host *host, const char *path, regular_file *out,
                               bool *found);
void regular_file_close(regular_file *file); /* not open is allowed */

/* Copies up to bytes into buffer and says how many: 0 only at the end. Negative: an errno value,
 * negated. */
int64_t regular_file_read(regular_file *file, void *buffer, uint64_t bytes);

/* Copies exactly bytes into buffer: ODEON_ERR_IO, or ODEON_ERR_DATA if the file ends before. */
odeon_status regular_file_read_all(const odeon_host *host, regular_file *file, void *buffer,
                                   uint64_t bytes);

/* The whole of path, followed by a NUL, in memory that the caller gives back with host->free.
 * ODEON_ERR_DATA where it does not exist, is no regular file or is too large; ODEON_ERR_IO,
 * ODEON_ERR_NOMEM. */
odeon_status regular_file_load(const odeon_host *host, const char *path, char **out,
                               uint64_t *bytes);

#endif
