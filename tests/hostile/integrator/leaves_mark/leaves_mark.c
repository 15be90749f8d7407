/* Leaves a file named by the environment when it is loaded, so that a test can tell. */
#define HOSTILE_ID "leaves_mark"
#include <stdio.h>
#include <stdlib.h>

#include "../common/hostile.h"

__attribute__((constructor)) static void leave_mark(void)
{
    const char *name = getenv("ODEON_TEST_MARK");
    FILE *file = name != NULL ? fopen(name, "w") : NULL;
    if (file != NULL) {
        (void)fclose(file);
    }
}
