#define _POSIX_C_SOURCE 200809L
#include "regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gzip.h"

/* Only ENOENT and ENOTDIR mean that the file does not exist; other errors are failures. The open
 * descriptor is checked, not the path. */
odeon_status regular_file_open(const odeon_host *host, const char *path, regular_file *out,
                               bool *found)
{
    struct stat info;
    *out = (regular_file){.path = path};
    /* opening a FIFO must not block; it is refused below */
    out->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *found = out->fd >= 0 || (errno != ENOENT && errno != ENOTDIR);
    if (!*found) {
        return ODEON_OK;
    }
    if (out->fd < 0 || fstat(out->fd, &info) != 0) {
        odeon_status status =
            odeon_fail(host, ODEON_ERR_IO, "%s: cannot open: %s", path, strerror(errno));
        regular_file_close(out);
        return status;
    }
    if (!S_ISREG(info.st_mode)) {
        regular_file_close(out);
        return odeon_fail(host, ODEON_ERR_DATA, "%s: not a regular file", path);
    }
    out->bytes = (uint64_t)info.st_size;
    return ODEON_OK;
}

void regular_file_close(regular_file *file)
{
    if (file->fd >= 0) {
        (void)close(file->fd);
        file->fd = -1;
    }
}

int64_t regular_file_read(regular_file *file, void *buffer, uint64_t bytes)
{
    ssize_t n;
    do {
        n = read(file->fd, buffer, bytes);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/* read may return less than requested. */
odeon_status regular_file_read_all(const odeon_host *host, regular_file *file, void *buffer,
                                   uint64_t bytes)
{
    uint64_t got = 0;
    while (got < bytes) {
        int64_t n = regular_file_read(file, (char *)buffer + got, bytes - got);
        if (n < 0) {
            return odeon_fail(host, ODEON_ERR_IO, "%s: cannot read: %s", file->path,
                              strerror((int)-n));
        }
        if (n == 0) {
            return odeon_fail(host, ODEON_ERR_DATA, "%s: became shorter while it was read",
                              file->path);
        }
        got += (uint64_t)n;
    }
    return ODEON_OK;
}

static odeon_status load(const odeon_host *host, regular_file *file, uint64_t limit, char **out)
{
    if (file->bytes > limit) {
        return odeon_fail(host, ODEON_ERR_DATA, "%s: has %llu bytes, the limit is %llu", file->path,
                          (unsigned long long)file->bytes, (unsigned long long)limit);
    }
    *out = host->alloc(host, file->bytes + 1);
    if (*out == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory for its %llu bytes", file->path,
                          (unsigned long long)file->bytes);
    }
    (*out)[file->bytes] = '\0';
    return regular_file_read_all(host, file, *out, file->bytes);
}

odeon_status regular_file_load_plain(const odeon_host *host, const char *path, uint64_t limit,
                                     char **out, uint64_t *bytes)
{
    regular_file file;
    bool found;
    *out = NULL;
    ODEON_TRY(regular_file_open(host, path, &file, &found));
    if (!found) {
        return odeon_fail(host, ODEON_ERR_DATA, "%s: no such file", path);
    }
    odeon_status status = load(host, &file, limit, out);
    regular_file_close(&file);
    *bytes = file.bytes;
    if (status != ODEON_OK) {
        host->free(host, *out);
        *out = NULL;
    }
    return status;
}

odeon_status regular_file_load(const odeon_host *host, const char *path, char **out,
                               uint64_t *bytes)
{
    ODEON_TRY(regular_file_load_plain(host, path, REGULAR_FILE_MAX_BYTES, out, bytes));
    if (!gzip_is_one(*out, *bytes)) {
        return ODEON_OK;
    }
    char *packed = *out;
    odeon_status status =
        gzip_unpack(host, path, packed, *bytes, REGULAR_FILE_MAX_BYTES, out, bytes);
    host->free(host, packed);
    return status;
}
