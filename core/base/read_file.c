#include "base/read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"

/* Callers pass what the system call just before has left in errno. */
static odeon_status io_failure(const char *path, const char *what)
{
    return diag_fail(ODEON_ERR_IO, "%s: %s: %s", path, what, strerror(errno));
}

/* Reading fewer bytes than fstat reported means that another process truncates the file. */
static odeon_status read_bytes(int fd, const char *path, char *buffer, size_t bytes)
{
    size_t done = 0;
    while (done < bytes) {
        ssize_t n = read(fd, buffer + done, bytes - done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return io_failure(path, "cannot read");
        }
        if (n == 0) {
            return diag_fail(ODEON_ERR_IO, "%s: shrank while it was read, from %zu bytes to %zu",
                             path, bytes, done);
        }
        done += (size_t)n;
    }
    buffer[bytes] = '\0';
    return ODEON_OK;
}

/* Checks the open descriptor, not the path, which could be replaced in between. */
static odeon_status read_open_file(int fd, const char *path, char **out, size_t *bytes)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return io_failure(path, "cannot read");
    }
    if (!S_ISREG(info.st_mode)) {
        return diag_fail(ODEON_ERR_IO, "%s: not a regular file", path);
    }
    *bytes = (size_t)info.st_size;
    char *buffer = mem_alloc(*bytes + 1);
    if (buffer == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its %zu bytes", path, *bytes);
    }
    odeon_status status = read_bytes(fd, path, buffer, *bytes);
    if (status != ODEON_OK) {
        mem_free(buffer);
        return status;
    }
    *out = buffer;
    return ODEON_OK;
}

/* The descriptor is closed in every case; closing a file that was only read loses nothing, so its
 * result is not looked at. */
odeon_status read_file(const char *path, char **out, size_t *bytes)
{
    *out = NULL;
    *bytes = 0;
    /* Without O_NONBLOCK opening a FIFO would wait for its writer; it is refused below. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return io_failure(path, "cannot open");
    }
    odeon_status status = read_open_file(fd, path, out, bytes);
    (void)close(fd);
    return status;
}
