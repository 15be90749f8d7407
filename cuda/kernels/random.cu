#include "list.h"
#define KERNEL_BODY "random_body.h"
#include "both.h"
#include "instances.h"

KERNEL_FAMILY(random, RANDOM_KERNELS)
