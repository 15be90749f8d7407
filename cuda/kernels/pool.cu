#include "list.h"
#define KERNEL_BODY "pool_body.h"
#include "both.h"
#include "instances.h"

KERNEL_FAMILY(pool, POOL_KERNELS)
