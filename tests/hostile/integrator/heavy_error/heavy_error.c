/* The embedded weights add up to 1.03. */
#define HOSTILE_ID    "heavy_error"
#define HOSTILE_B_HAT 1.03

#include "../common/hostile_tableau.h"
