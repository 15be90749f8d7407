/* Aborts while it is loaded. */
#define HOSTILE_ID "crashes"
#include <stdlib.h>

#include "../common/hostile.h"

__attribute__((constructor)) static void crash(void)
{
    abort();
}
