/* Says that its embedded weights are of order 2. */
#define HOSTILE_ID          "light_error"
#define HOSTILE_B_HAT_ORDER 2

#include "../common/hostile_tableau.h"
