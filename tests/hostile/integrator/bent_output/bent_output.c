/* Within a step the dense output goes elsewhere. */
#define HOSTILE_ID     "bent_output"
#define HOSTILE_INTERP 0.5, 0.0, 0.0, 0.5

#include "../common/hostile_tableau.h"
