/* A flag that has no meaning. */
#define HOSTILE_ID            "unknown_flag"
#define HOSTILE_TABLEAU_FLAGS (1 << 9)

#include "../common/hostile_tableau.h"
