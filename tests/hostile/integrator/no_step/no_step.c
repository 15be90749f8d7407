/* A method of verbs without its step. */
#define HOSTILE_ID  "no_step"
#define HOSTILE_OPS &method
#include "odeon/integrator.h"

static odeon_status describe(void *self, odeon_stepper_info *out)
{
    (void)self;
    out->order = 1;
    return ODEON_OK;
}

static const odeon_stepper_ops stepper = {.struct_size = sizeof stepper, .describe = describe};
static const odeon_integrator method = {.struct_size = sizeof method, .stepper = &stepper};

#include "../common/hostile.h"
