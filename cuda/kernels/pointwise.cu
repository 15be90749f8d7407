#include "list.h"
#define KERNEL_BODY "vector_body.h"
#include "both.h"
#define KERNEL_BODY "activation_body.h"
#include "both.h"
#define KERNEL_BODY "pointwise_body.h"
#include "both.h"
#include "instances.h"

KERNEL_FAMILY(pointwise, POINTWISE_KERNELS)
