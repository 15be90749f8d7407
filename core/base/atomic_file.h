/* atomic_file.h: a file that appears whole or not at all: it is written beside its place under
 * another name, synced, and renamed. Until the rename the old file stays as it is. For the host's
 * own files; what a user names is opened by output_file.h. */
#ifndef ODEON_CORE_BASE_ATOMIC_FILE_H
#define ODEON_CORE_BASE_ATOMIC_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "odeon/status.h"

typedef struct atomic_file {
    int fd;          /* -1: nothing is open */
    char *path;      /* what the rename puts in place */
    char *temporary; /* in the same folder; NULL: fd is what stands at path (output_file.h) */
    bool trims;      /* of what stands there, what lies behind the last byte written is cut off */
} atomic_file;

/* ODEON_ERR_IO, ODEON_ERR_NOMEM. On failure nothing is left to abandon. */
odeon_status atomic_file_open(const char *path, atomic_file *out);
/* The same; the file gets these bits of mode less those of the process's mask. */
odeon_status atomic_file_open_mode(const char *path, mode_t mode, atomic_file *out);
/* Writes all of it. ODEON_ERR_IO. */
odeon_status atomic_file_write(atomic_file *file, const void *data, size_t bytes);
/* fsync, rename, fsync of the folder; then, as after a failure, file is closed. ODEON_ERR_IO,
 * ODEON_ERR_NOMEM: what stood at path still does, unless it was the last fsync that failed. */
odeon_status atomic_file_commit(atomic_file *file);
/* Closes and removes the temporary file. Does nothing after a commit. */
void atomic_file_abandon(atomic_file *file);

/* Makes what has become of path's name last: a new file or folder, a rename. ODEON_ERR_IO,
 * ODEON_ERR_NOMEM. */
odeon_status atomic_file_sync_folder_of(const char *path);

/* Open, write and commit in one. */
odeon_status atomic_file_put(const char *path, const void *data, size_t bytes);
/* Write and commit, or abandon. */
odeon_status atomic_file_finish(atomic_file *file, const void *data, size_t bytes);

#endif
