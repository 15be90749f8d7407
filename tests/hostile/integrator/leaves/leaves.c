/* Ends the program while it is loaded. */
#define HOSTILE_ID "leaves"
#include <unistd.h>

#include "../common/hostile.h"

__attribute__((constructor)) static void leave(void)
{
    _exit(0);
}
