/* A tableau that is not explicit: the implicit midpoint rule. */
#define HOSTILE_ID  "implicit"
#define HOSTILE_OPS &method
#include "odeon/integrator.h"

static const double half[] = {0.5}, one[] = {1.0};
static const odeon_tableau tableau = {
    .struct_size = sizeof tableau, .stages = 1, .order = 2, .a = half, .b = one, .c = half};
static const odeon_integrator method = {.struct_size = sizeof method, .tableau = &tableau};

#include "../common/hostile.h"
