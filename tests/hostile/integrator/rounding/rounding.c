/* Leaves another rounding mode behind. */
#define HOSTILE_ID "rounding"
#include <fenv.h>

#include "../common/hostile.h"

__attribute__((constructor)) static void round_up(void)
{
    (void)fesetround(FE_UPWARD);
}
