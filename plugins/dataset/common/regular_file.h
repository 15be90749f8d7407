/* regular_file.h: read regular files. */
#ifndef ODEON_DATASET_COMMON_REGULAR_FILE_H
#define ODEON_DATASET_COMMON_REGULAR_FILE_H
#include <stdbool.h>

#include "odeon/host.h"

/* Longest path, and largest file that is loaded into memory. */
#define REGULAR_FILE_PATH_BYTES 4096
#define REGULAR_FILE_MAX_BYTES  ((uint64_t)1 << 34)

/* A file open for reading. */
typedef struct regular_file {
    const char *path; /* borrowed from open to close */
    uint64_t bytes;   /* size when it was opened */
    int fd;           /* -1: not open */
} regular_file;

/* Opens path for reading. A missing file is *found = false and no failure. Anything but a regular
 * file (a folder, a FIFO) is ODEON_ERR_DATA; a failure to open is ODEON_ERR_IO. */
odeon_status regular_file_open(const odeon_host *host, const char *path, regular_file *out,
                               bool *found);
void regular_file_close(regular_file *file); /* allowed if it is not open */

/* Reads up to bytes into buffer and returns how many, 0 only at the end; negative: minus an errno
 * value. */
int64_t regular_file_read(regular_file *file, void *buffer, uint64_t bytes);

/* Reads exactly bytes into buffer. ODEON_ERR_IO; ODEON_ERR_DATA if the file ends before. */
odeon_status regular_file_read_all(const odeon_host *host, regular_file *file, void *buffer,
                                   uint64_t bytes);

/* Loads the whole of path as it is, of at most limit bytes, followed by a NUL, into memory that the
 * caller frees with host->free. Errors as of regular_file_load. */
odeon_status regular_file_load_plain(const odeon_host *host, const char *path, uint64_t limit,
                                     char **out, uint64_t *bytes);
/* Loads the whole of path, unpacked if it is a gzip file, followed by a NUL, into memory that the
 * caller frees with host->free.
 * ODEON_ERR_DATA if it does not exist, is not regular or is too large; ODEON_ERR_IO;
 * ODEON_ERR_NOMEM. */
odeon_status regular_file_load(const odeon_host *host, const char *path, char **out,
                               uint64_t *bytes);

#endif
