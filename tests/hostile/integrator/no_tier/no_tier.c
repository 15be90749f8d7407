/* Neither a tableau nor a stepper. */
#define HOSTILE_ID  "no_tier"
#define HOSTILE_OPS &method
#include "odeon/integrator.h"

static const odeon_integrator method = {.struct_size = sizeof method};

#include "../common/hostile.h"
