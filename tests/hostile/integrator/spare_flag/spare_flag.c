/* A flag without a meaning, of those that a host may ignore. */
#define HOSTILE_ID            "spare_flag"
#define HOSTILE_TABLEAU_FLAGS (1u << 9)

#include "../common/hostile_tableau.h"
