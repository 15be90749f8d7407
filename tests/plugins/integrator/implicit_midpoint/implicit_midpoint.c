/* implicit_midpoint: one implicit stage, not stiffly accurate. For tests. */
#include "odeon/integrator.h"
#include "odeon/plugin.h"

static const double half[] = {0.5}, one[] = {1.0};
/* It claims less than it has: it is of order 2. */
static const odeon_tableau tableau = {
    .struct_size = sizeof tableau, .stages = 1, .order = 1, .a = half, .b = one, .c = half};
static const odeon_integrator ops = {.struct_size = sizeof ops, .tableau = &tableau};

ODEON_PLUGIN(INTEGRATOR, "implicit_midpoint", &ops, "the implicit midpoint rule", NULL);
