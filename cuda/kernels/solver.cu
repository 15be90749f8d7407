#include "list.h"
#define KERNEL_BODY "vector_body.h"
#include "both.h"

#include "control_body.h"
#define KERNEL_BODY "solver_body.h"
#include "both.h"
#include "instances.h"

KERNEL_OF_ANY_SIZE(judge_args)
KERNEL_FAMILY(solver, SOLVER_KERNELS)
