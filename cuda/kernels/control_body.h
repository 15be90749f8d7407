/* Step control, a thread alone. Not part of solver.h, which hosts include too: it would bring them
 * the functions of step_control_body.h. */
#define STEP_FN    KERNEL_FN
#define STEP_LOCAL KERNEL_FN
#include "common/step_control_body.h"

KERNEL_FN void control_step(int32_t phase, const control_args *a, kernel_thread w, void *shared)
{
    (void)phase;
    (void)w;
    (void)shared;
    step_judge(&a->control, a->slots);
}

KERNEL_FN void control_start(int32_t phase, const control_args *a, kernel_thread w, void *shared)
{
    (void)phase;
    (void)w;
    (void)shared;
    step_start(&a->control, a->phase, a->slots);
}

KERNEL_FN void control_back(int32_t phase, const back_args *a, kernel_thread w, void *shared)
{
    (void)phase;
    (void)w;
    (void)shared;
    step_back(a->slots);
}
