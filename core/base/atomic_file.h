/* atomic_file.h: write a file so that it appears whole or not at all: the data goes to a temporary
 * file in the same folder, is synced, and is renamed into place. Until the rename the old file is
 * untouched. For the host's own files; files that a user names are opened by output_file.h. */
#ifndef ODEON_CORE_BASE_ATOMIC_FILE_H
#define ODEON_CORE_BASE_ATOMIC_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "odeon/status.h"

/* A file being written. Either temporary is set and commit renames it to path, or it is NULL and fd
 * writes to path itself. */
typedef struct atomic_file {
    int fd;          /* -1: no file is open */
    char *path;      /* the final name */
    char *temporary; /* in the same folder; NULL: fd writes to path directly (output_file.h) */
    bool trims;      /* at commit, cut an existing file off after the last byte written */
} atomic_file;

/* Errors: ODEON_ERR_IO, ODEON_ERR_NOMEM. After a failure there is nothing to abandon. */
odeon_status atomic_file_open(const char *path, atomic_file *out);
/* The same, creating the file with mode less the process's umask. */
odeon_status atomic_file_open_mode(const char *path, mode_t mode, atomic_file *out);
/* Writes all bytes. Errors: ODEON_ERR_IO. */
odeon_status atomic_file_write(atomic_file *file, const void *data, size_t bytes);
/* fsync, rename, fsync of the folder. Closes file in every case. Errors: ODEON_ERR_IO,
 * ODEON_ERR_NOMEM; the old file at path is then intact, unless only the last fsync failed. */
odeon_status atomic_file_commit(atomic_file *file);
/* Closes and removes the temporary file. Does nothing after a commit. */
void atomic_file_abandon(atomic_file *file);

/* Makes the creation or renaming of path durable by syncing its folder. Errors: ODEON_ERR_IO,
 * ODEON_ERR_NOMEM. */
odeon_status atomic_file_sync_folder_of(const char *path);

/* Open, write and commit in one. */
odeon_status atomic_file_put(const char *path, const void *data, size_t bytes);
/* Write and commit, or abandon. */
odeon_status atomic_file_finish(atomic_file *file, const void *data, size_t bytes);

#endif
