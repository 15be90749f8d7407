/* Dies of a bad address while it is loaded. */
#define HOSTILE_ID "segfaults"
#include <signal.h>

#include "../common/hostile.h"

__attribute__((constructor)) static void fault(void)
{
    (void)signal(SIGSEGV, SIG_DFL); /* a sanitizer would catch it */
    (void)raise(SIGSEGV);
}
