#define _POSIX_C_SOURCE 200809L
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t read_fd(void *self, void *buffer, uint64_t bytes)
{
    const idx_file *file = self;
    ssize_t n;
    do {
        n = read(file->fd, buffer, bytes);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/* Opens file->path; *found says whether it exists. */
static odeon_status open_path(const odeon_host *host, idx_file *file, bool *found)
{
    struct stat info;
    file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not block */
    *found = file->fd >= 0 || (errno != ENOENT && errno != ENOTDIR);
    if (!*found) {
        return ODEON_OK;
    }
    if (file->fd < 0 || fstat(file->fd, &info) != 0) {
        odeon_status status =
            odeon_fail(host, ODEON_ERR_IO, "%s: cannot open: %s", file->path, strerror(errno));
        idx_file_close(file);
        return status;
    }
    if (!S_ISREG(info.st_mode)) {
        idx_file_close(file);
        return odeon_fail(host, ODEON_ERR_DATA, "%s: not a regular file", file->path);
    }
    file->source = (idx_source){
        .self = file, .name = file->path, .bytes = (uint64_t)info.st_size, .read = read_fd};
    return ODEON_OK;
}

/* No path is cut: one that does not fit is treated as the system treats it. */
static odeon_status check_fits(const odeon_host *host, int length, const char *path)
{
    if (length < 0 || length >= IDX_PATH_BYTES) {
        return odeon_fail(host, ODEON_ERR_IO, "%.100s...: %s", path, strerror(ENAMETOOLONG));
    }
    return ODEON_OK;
}

static odeon_status open_explicit(const odeon_host *host, const char *path, idx_file *out)
{
    bool found;
    ODEON_TRY(check_fits(host, snprintf(out->path, sizeof out->path, "%s", path), path));
    ODEON_TRY(open_path(host, out, &found));
    return found ? ODEON_OK : odeon_fail(host, ODEON_ERR_DATA, "%s: no such file", path);
}

odeon_status idx_file_open(const odeon_host *host, const char *folder, const char *prefix, int d,
                           const char *explicit_path, idx_file *out)
{
    out->fd = -1;
    if (explicit_path != NULL) {
        return open_explicit(host, explicit_path, out);
    }
    for (int i = 0; i < 4; i++) {
        bool found;
        const char *dot = i >= 2 ? "." : "-", *packed = i % 2 == 1 ? ".gz" : "";
        int length = snprintf(out->path, sizeof out->path, "%s/%s%sidx%d-ubyte%s", folder, prefix,
                              dot, d, packed);
        ODEON_TRY(check_fits(host, length, folder));
        ODEON_TRY(open_path(host, out, &found));
        if (found) {
            return ODEON_OK;
        }
    }
    return odeon_fail(host, ODEON_ERR_DATA,
                      "%s: has neither %s-idx%d-ubyte nor %s.idx%d-ubyte, nor one of them with "
                      ".gz; Debian's package dataset-fashion-mnist installs such files to "
                      "/usr/share/datasets/fashion-mnist",
                      folder, prefix, d, prefix, d);
}

void idx_file_close(idx_file *file)
{
    if (file->fd >= 0) {
        (void)close(file->fd);
        file->fd = -1;
    }
}
