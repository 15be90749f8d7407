/* Never ends being loaded. */
#define HOSTILE_ID "hangs"
#include <unistd.h>

#include "../common/hostile.h"

__attribute__((constructor)) static void hang(void)
{
    for (;;) {
        (void)sleep(1);
    }
}
