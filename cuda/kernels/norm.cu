#include "list.h"
#define KERNEL_BODY "vector_body.h"
#include "both.h"
#define KERNEL_BODY "activation_body.h"
#include "both.h"
#define KERNEL_BODY "norm_body.h"
#include "both.h"
#include "instances.h"

KERNEL_OF_ANY_SIZE(softmax_rows_args)
KERNEL_FAMILY(norm, NORM_KERNELS)
