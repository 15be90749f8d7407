/* Closes what it could be heard through, and never ends. */
#define HOSTILE_ID "deaf"
#include <unistd.h>

#include "../common/hostile.h"

__attribute__((constructor)) static void close_all(void)
{
    for (int fd = 0; fd < 64; fd++) {
        (void)close(fd);
    }
    for (;;) {
        (void)sleep(1);
    }
}
