#include "list.h"
#define KERNEL_BODY "optimizers_body.h"
#include "both.h"
#include "instances.h"

KERNEL_FAMILY(optimizers, OPTIMIZER_KERNELS)
