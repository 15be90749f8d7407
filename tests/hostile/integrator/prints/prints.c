/* Writes to the host's output while it is loaded. */
#define HOSTILE_ID "prints"
#include <stdio.h>

#include "../common/hostile.h"

__attribute__((constructor)) static void print(void)
{
    (void)printf("noise\n");
    (void)fflush(stdout);
}
