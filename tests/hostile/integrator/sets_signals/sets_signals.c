/* Lets no Ctrl-C reach the program any more. */
#define HOSTILE_ID "sets_signals"
#include <signal.h>

#include "../common/hostile.h"

__attribute__((constructor)) static void change(void)
{
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
}
