/* A flag without a meaning, of those that must have one for the host. */
#define HOSTILE_ID            "unknown_flag"
#define HOSTILE_TABLEAU_FLAGS (1u << 20)

#include "../common/hostile_tableau.h"
