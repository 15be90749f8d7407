#include "list.h"

#include "instances.h"

KERNEL_FAMILY(pairs, PAIRS_KERNELS)
