#include "command/standard_streams.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Without /dev, as within a bare chroot, the root folder serves: it is there and cannot be written.
 */
static int open_nothing(int how)
{
    int fd = open("/dev/null", how);
    return fd >= 0 ? fd : open("/", O_RDONLY);
}

bool standard_streams_open(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        bool closed = fcntl(fd, F_GETFD) < 0 && errno == EBADF;
        /* the lowest number that is free is the one that is given */
        if (closed && open_nothing(fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) {
            return false;
        }
    }
    return true;
}
