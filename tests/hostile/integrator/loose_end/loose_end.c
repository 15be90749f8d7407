/* At the end of a step the dense output is not the solution. */
#define HOSTILE_ID     "loose_end"
#define HOSTILE_INTERP 1.0, -0.5, 0.0, 0.50005

#include "../common/hostile_tableau.h"
