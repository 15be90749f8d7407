/* implicit_midpoint: one implicit stage, not stiffly accurate. For tests. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

static const double half[] = {0.5}, one[] = {1.0};
/* It claims less than it has: it is of order 2. */
static const odeon_tableau tableau = {
    .struct_size = sizeof tableau, .stages = 1, .order = 1, .a = half, .b = one, .c = half};

ODEON_PLUGIN(TABLEAU, "implicit_midpoint", &tableau, "the implicit midpoint rule", NULL);
