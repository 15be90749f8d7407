/* output_file.h: write files that the user names, keeping what kind of file is at the path:
 *
 *   nothing              becomes a file, whole or not at all (atomic_file.h)
 *   a regular file       is replaced, whole or not at all, with its mode and its owner; its
 *                        other hard links keep the old contents. If the folder is not writable or
 *                        the owner cannot be kept, the file is overwritten in place
 *   a symbolic link      is followed; its target is replaced as above, or created
 *   a FIFO, a terminal   is written to. A FIFO without a reader is waited for
 *   or other character device
 *   "-", /dev/stdout,    is a descriptor of this process, written to at its current position
 *   /dev/fd/N
 *   a folder, a socket,  is refused
 *   a block device
 */
#ifndef ODEON_CORE_BASE_OUTPUT_FILE_H
#define ODEON_CORE_BASE_OUTPUT_FILE_H
#include <stdbool.h>

#include "base/atomic_file.h"

/* Opens path for atomic_file_write and atomic_file_commit or atomic_file_abandon. Errors:
 * ODEON_ERR_IO, ODEON_ERR_NOMEM; after a failure there is nothing to abandon. */
odeon_status output_file_open(const char *path, atomic_file *out);
odeon_status output_file_put(const char *path, const void *data, size_t bytes);

/* Fails where output_file_open would, as far as that is known in advance; changes nothing. Lets a
 * command refuse a bad path before its work rather than after. */
odeon_status output_file_check(const char *path);

/* Is path a descriptor, FIFO or device rather than a file? */
bool output_file_is_stream(const char *path);

/* Is path standard output, or the same pipe or file? Then nothing else may be printed there. */
bool output_file_is_stdout(const char *path);

/* Returns ODEON_ERR_CONFIG if path and other are the same file, whose contents would be lost.
 * option and other_option name them in the message: "--out", "--in". other may be NULL. */
odeon_status output_file_spare(const char *option, const char *path, const char *other_option,
                               const char *other);

#endif
