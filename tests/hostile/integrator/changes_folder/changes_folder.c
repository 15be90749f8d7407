/* Goes elsewhere while it is loaded, so that relative paths mean something else. */
#define HOSTILE_ID "changes_folder"
#include <unistd.h>

#include "../common/hostile.h"

__attribute__((constructor)) static void change(void)
{
    if (chdir("/") != 0) {
        _exit(1);
    }
}
