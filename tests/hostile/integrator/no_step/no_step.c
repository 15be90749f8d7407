/* A method of verbs without its step. */
#define HOSTILE_ID           "no_step"
#define HOSTILE_INTERFACE    ODEON_INTERFACE_STEPPER
#define HOSTILE_KIND_VERSION ODEON_LAYOUT_STEPPER
#define HOSTILE_OPS          &method
#include "odeon/stepper.h"

static odeon_status describe(void *self, odeon_stepper_info *out)
{
    (void)self;
    out->order = 1;
    return ODEON_OK;
}

static const odeon_stepper_ops method = {.struct_size = sizeof method, .describe = describe};

#include "../common/hostile.h"
