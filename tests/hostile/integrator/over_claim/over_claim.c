/* Says that it is of order 3. */
#define HOSTILE_ID    "over_claim"
#define HOSTILE_ORDER 3

#include "../common/hostile_tableau.h"
