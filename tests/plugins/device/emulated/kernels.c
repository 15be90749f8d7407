#include "kernel_table.h"

#define KERNEL_BODY "kernels/vector_body.h"
#include "kernels/both.h"
#define KERNEL_BODY "kernels/activation_body.h"
#include "kernels/both.h"
#define KERNEL_BODY "kernels/loss_body.h"
#include "kernels/both.h"
#define KERNEL_BODY "kernels/moving_body.h"
#include "kernels/both.h"
#define KERNEL_BODY "kernels/norm_body.h"
#include "kernels/both.h"
#define KERNEL_BODY "kernels/pool_body.h"
#include "kernels/both.h"
#define KERNEL_BODY "kernels/product_body.h"
#include "kernels/both.h"
#define KERNEL_BODY "kernels/random_body.h"
#include "kernels/both.h"
#include "kernels/control_body.h"
#include "kernels/loop_body.h"
#define KERNEL_BODY "kernels/solver_body.h"
#include "kernels/both.h"
#define KERNEL_BODY "kernels/pointwise_body.h"
#include "kernels/both.h"
#define KERNEL_BODY "kernels/optimizers_body.h"
#include "kernels/both.h"

#define RUN(name, arguments, phases)                                                               \
    static void run_##name(int32_t phase, const void *a, kernel_thread w, void *shared)            \
    {                                                                                              \
        name(phase, (const arguments *)a, w, shared);                                              \
    }
ALL_KERNELS(RUN)

#define ROW(name, arguments, phases)                                                               \
    [KERNEL_##name] = {run_##name, phases, (int32_t)sizeof(arguments)},
const emulated_kernel emulated_kernels[] = {ALL_KERNELS(ROW)};

#define FITS(name, arguments, phases)                                                              \
    _Static_assert(sizeof(arguments) <= KERNEL_ARGUMENT_BYTES, #arguments " are too large");
ALL_KERNELS(FITS)
