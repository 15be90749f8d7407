#include "list.h"

#include "control_body.h"
#include "loop_body.h"
#include "instances.h"

KERNEL_OF_ANY_SIZE(judge_args)

/* Apart from all others: drivers that know no loops cannot load what asks for one. */
KERNEL_FAMILY(loops, LOOPS_KERNELS)
