/* One of its aliases would clear the terminal of whoever is given a hint. */
#define HOSTILE_ID      "bad_aliases"
#define HOSTILE_ALIASES "rk1|\x1b[2J"
#include "../common/hostile.h"
