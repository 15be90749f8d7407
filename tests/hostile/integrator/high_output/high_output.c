/* Says that its dense output is of order 3. */
#define HOSTILE_ID           "high_output"
#define HOSTILE_INTERP_ORDER 3

#include "../common/hostile_tableau.h"
