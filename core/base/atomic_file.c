#include "base/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/path.h"

/* Names to try for the temporary file before giving up. Each that is taken belongs to a killed run
 * or to another thread, of which there are never nearly so many. */
enum { MAX_TRIES = 1000 };

/* Callers pass what the system call just before has left in errno. */
static odeon_status io_failure(const char *path, const char *what)
{
    return diag_fail(ODEON_ERR_IO, "%s: %s: %s", path, what, strerror(errno));
}

/* Creates the temporary file under an unused name: O_EXCL skips names left behind by killed runs
 * and names taken by other threads of this process. */
static odeon_status create_temporary(atomic_file *file, mode_t mode)
{
    for (int i = 0; i < MAX_TRIES; i++) {
        mem_free(file->temporary);
        file->temporary = mem_printf("%s.%ld-%d.tmp", file->path, (long)getpid(), i);
        if (file->temporary == NULL) {
            return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to write it", file->path);
        }
        file->fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (file->fd >= 0) {
            return ODEON_OK;
        }
        if (errno != EEXIST) {
            break;
        }
    }
    return io_failure(file->temporary, "cannot create");
}

/* Forgets file without closing or removing anything. fd -1 is what makes a later
 * atomic_file_abandon do nothing. */
static void release(atomic_file *file)
{
    mem_free(file->path);
    mem_free(file->temporary);
    *file = (atomic_file){.fd = -1};
}

/* 0666 less the umask is what any program gives a new file. */
odeon_status atomic_file_open(const char *path, atomic_file *out)
{
    return atomic_file_open_mode(path, 0666, out);
}

/* out is set in every case, so that a failure leaves what atomic_file_abandon ignores. */
odeon_status atomic_file_open_mode(const char *path, mode_t mode, atomic_file *out)
{
    *out = (atomic_file){.fd = -1, .path = mem_strdup(path)};
    odeon_status status = out->path != NULL
                              ? create_temporary(out, mode)
                              : diag_fail(ODEON_ERR_NOMEM, "%s: no memory to write it", path);
    if (status != ODEON_OK) {
        release(out);
    }
    return status;
}

/* Only a regular file can be synced and has free space worth reporting. */
static bool is_on_disk(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

/* Reports a failed write. For a file on disk the free space is added, since a full disk is the
 * usual cause. errno is saved first because fstatvfs may overwrite it. */
static odeon_status write_failure(const atomic_file *file, size_t bytes)
{
    int error = errno;
    struct statvfs disk = {0};
    const char *name = file->temporary != NULL ? file->temporary : file->path;
    if (!is_on_disk(file->fd)) {
        return diag_fail(ODEON_ERR_IO, "%s: cannot write %zu more bytes: %s", name, bytes,
                         strerror(error));
    }
    if (fstatvfs(file->fd, &disk) != 0) {
        disk.f_bavail = 0;
    }
    return diag_fail(ODEON_ERR_IO, "%s: cannot write %zu more bytes: %s (%llu are free there)",
                     name, bytes, strerror(error),
                     (unsigned long long)disk.f_bavail * disk.f_frsize);
}

/* Another process may have made the inherited pipe non-blocking: wait until it can take more
 * instead of failing with EAGAIN. */
static void wait_until_writable(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLOUT};
    (void)poll(&item, 1, -1);
}

/* write may take less than everything and may be interrupted by a signal. */
odeon_status atomic_file_write(atomic_file *file, const void *data, size_t bytes)
{
    const char *p = data;
    while (bytes > 0) {
        ssize_t n = write(file->fd, p, bytes);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            wait_until_writable(file->fd);
            continue;
        }
        if (n < 0) {
            return write_failure(file, bytes);
        }
        p += n;
        bytes -= (size_t)n;
    }
    return ODEON_OK;
}

/* A rename is durable only after the directory itself has been synced. */
static odeon_status sync_folder(const char *folder)
{
    odeon_status status = ODEON_OK;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* EINVAL: this file system cannot sync folders */
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL)) {
        status = io_failure(folder, "cannot sync the folder");
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return status;
}

/* Also for files and folders that are made without atomic_file, by mkdir or open. */
odeon_status atomic_file_sync_folder_of(const char *path)
{
    char *folder = path_folder(path);
    odeon_status status =
        folder != NULL ? sync_folder(folder) : diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
    mem_free(folder);
    return status;
}

/* Cuts off what remains of an older, longer file after it was overwritten in place. */
static odeon_status trim(const atomic_file *file)
{
    off_t end = lseek(file->fd, 0, SEEK_CUR);
    return end >= 0 && ftruncate(file->fd, end) == 0
               ? ODEON_OK
               : io_failure(file->path, "cannot cut off what stood here before");
}

/* Syncs and closes. Both are checked: on some file systems a failed write is reported only here. */
static odeon_status finish(atomic_file *file)
{
    const char *name = file->temporary != NULL ? file->temporary : file->path;
    odeon_status status = file->trims ? trim(file) : ODEON_OK;
    if (status == ODEON_OK && is_on_disk(file->fd) && fsync(file->fd) != 0 && errno != EINVAL) {
        status = io_failure(name, "cannot sync");
    }
    int fd = file->fd;
    file->fd = -1;
    if (close(fd) != 0 && status == ODEON_OK) {
        status = io_failure(name, "cannot close");
    }
    return status;
}

/* There is nothing to rename: the data already stands at its path, or has gone to the reader of a
 * pipe. */
static odeon_status commit_in_place(atomic_file *file)
{
    odeon_status status = finish(file);
    release(file);
    return status;
}

/* The order matters: the contents are synced before the rename, so a crash can never leave an empty
 * file under the final name. */
odeon_status atomic_file_commit(atomic_file *file)
{
    if (file->temporary == NULL) {
        return commit_in_place(file);
    }
    /* allocated before the rename, after which nothing may fail needlessly */
    char *folder = path_folder(file->path);
    odeon_status status = finish(file);
    if (status == ODEON_OK && folder == NULL) {
        status = diag_fail(ODEON_ERR_NOMEM, "%s: no memory to write it", file->path);
    }
    if (status == ODEON_OK && rename(file->temporary, file->path) != 0) {
        status = io_failure(file->path, "cannot put the finished file here");
    }
    if (status != ODEON_OK) {
        (void)unlink(file->temporary);
    } else {
        status = sync_folder(folder);
    }
    mem_free(folder);
    release(file);
    return status;
}

/* What was written in place cannot be taken back, so only a temporary file is removed. */
void atomic_file_abandon(atomic_file *file)
{
    if (file->fd >= 0) {
        (void)close(file->fd);
        if (file->temporary != NULL) {
            (void)unlink(file->temporary);
        }
        release(file);
    }
}

/* For small files whose data is in memory. */
odeon_status atomic_file_put(const char *path, const void *data, size_t bytes)
{
    atomic_file file;
    ODEON_TRY(atomic_file_open(path, &file));
    return atomic_file_finish(&file, data, bytes);
}

/* For callers that have opened file in their own way and have all data at hand. */
odeon_status atomic_file_finish(atomic_file *file, const void *data, size_t bytes)
{
    odeon_status status = atomic_file_write(file, data, bytes);
    if (status != ODEON_OK) {
        atomic_file_abandon(file);
        return status;
    }
    return atomic_file_commit(file);
}
