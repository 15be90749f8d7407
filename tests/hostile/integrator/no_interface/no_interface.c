/* Of an interface that integrators may have one day: a whole solver. */
#define HOSTILE_ID        "no_interface"
#define HOSTILE_INTERFACE 10
#define HOSTILE_ENTRY     ODEON_ENTRY_TABLEAU(HOSTILE_ID)
#include "../common/hostile.h"
