/* output_file.h: files that the user names. What stands at the name stays what it is:
 *
 *   nothing              becomes a file, whole or not at all (atomic_file.h)
 *   a regular file       is replaced, whole or not at all, with its mode and its owner; of several
 *                        hard links this one alone. Where the folder may not be written to, or the
 *                        owner could not be kept, the file is written in place
 *   a symbolic link      is followed: the above goes for what it points at, which it makes if it is
 *                        not there
 *   a FIFO, a terminal   is written to. A FIFO without a reader is waited for
 *   or other character device
 *   "-", /dev/stdout,    is one of this process's own descriptors, written to where it stands
 *   /dev/fd/N
 *   a folder, a socket,  is refused
 *   a block device
 */
#ifndef ODEON_CORE_BASE_OUTPUT_FILE_H
#define ODEON_CORE_BASE_OUTPUT_FILE_H
#include <stdbool.h>

#include "base/atomic_file.h"

/* Opens path for atomic_file_write and atomic_file_commit, or atomic_file_abandon. ODEON_ERR_IO,
 * ODEON_ERR_NOMEM. On failure nothing is left to abandon. */
odeon_status output_file_open(const char *path, atomic_file *out);
odeon_status output_file_put(const char *path, const void *data, size_t bytes);

/* Refuses what output_file_open would, as far as that can be known before there is anything to
 * write; changes nothing. */
odeon_status output_file_check(const char *path);

/* Is path no file, but something that passes on what is written: a descriptor, a FIFO, a device? */
bool output_file_is_stream(const char *path);

/* Is path standard output, or the pipe or file that this is too? Then nothing else may be said
 * there. */
bool output_file_is_stdout(const char *path);

/* ODEON_ERR_CONFIG if path is the file that other names, which would be lost. option and
 * other_option say who names them: "--out", "--in"; other may be NULL. */
odeon_status output_file_spare(const char *option, const char *path, const char *other_option,
                               const char *other);

#endif
