/* Never ends being loaded, and keeps the processor busy with it. */
#define HOSTILE_ID "spins"
#include "../common/hostile.h"

__attribute__((constructor)) static void spin(void)
{
    static volatile unsigned turns;
    for (;;) {
        turns = turns + 1;
    }
}
