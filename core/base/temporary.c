#include "base/temporary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"

static odeon_status name(char **path)
{
    const char *root = getenv("TMPDIR");
    *path = mem_printf("%s/odeon-XXXXXX", root != NULL && *root != '\0' ? root : "/tmp");
    return *path != NULL ? ODEON_OK
                         : diag_fail(ODEON_ERR_NOMEM, "no memory for the name of a temporary file");
}

static odeon_status give_up(char **path, const char *what)
{
    odeon_status status =
        diag_fail(ODEON_ERR_IO, "a temporary %s %s: %s", what, *path, strerror(errno));
    mem_free(*path);
    *path = NULL;
    return status;
}

/* A signal or a full pipe may let a write take less than all. */
static int write_all(int fd, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t now = write(fd, text, n);
        if (now < 0 && errno != EINTR) {
            return -1;
        }
        size_t done = now > 0 ? (size_t)now : 0;
        text += done;
        n -= done;
    }
    return 0;
}

odeon_status temporary_file(const char *text, size_t n, char **path)
{
    ODEON_TRY(name(path));
    int fd = mkstemp(*path);
    if (fd < 0) {
        return give_up(path, "file");
    }
    int failed = write_all(fd, text, n);
    int why = errno;
    (void)close(fd);
    if (failed != 0) {
        (void)unlink(*path);
        errno = why;
        return give_up(path, "file");
    }
    return ODEON_OK;
}

odeon_status temporary_folder(char **path)
{
    ODEON_TRY(name(path));
    return mkdtemp(*path) != NULL ? ODEON_OK : give_up(path, "folder");
}
