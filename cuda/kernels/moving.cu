#include "list.h"
#define KERNEL_BODY "moving_body.h"
#include "both.h"
#include "instances.h"

KERNEL_FAMILY(moving, MOVING_KERNELS)
