#include "list.h"
#define KERNEL_BODY "loss_body.h"
#include "both.h"
#include "instances.h"

KERNEL_FAMILY(loss, LOSS_KERNELS)
