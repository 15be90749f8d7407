#include "list.h"
#define KERNEL_BODY "vector_body.h"
#include "both.h"
#define KERNEL_BODY "activation_body.h"
#include "both.h"
#define KERNEL_BODY "product_body.h"
#include "both.h"
#include "instances.h"

KERNEL_FAMILY(product, PRODUCT_KERNELS)
