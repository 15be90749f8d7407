/* A number of the embedded weights is none. */
#include <math.h>

#define HOSTILE_ID    "nan_weight"
#define HOSTILE_B_HAT (double)NAN

#include "../common/hostile_tableau.h"
