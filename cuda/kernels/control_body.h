/* Step control, a thread alone. Not part of solver.h, which hosts include too: it would bring them
 * the functions of the kit. */
#define ODEON_KIT KERNEL_FN
#include "odeon/kit/step_control.h"

KERNEL_FN void control_step(int32_t phase, const control_args *a, kernel_thread w, void *shared)
{
    (void)phase;
    (void)w;
    (void)shared;
    odeon_kit_step_control(&a->control, a->slots);
}

KERNEL_FN void control_start(int32_t phase, const control_args *a, kernel_thread w, void *shared)
{
    (void)phase;
    (void)w;
    (void)shared;
    odeon_kit_step_start(&a->control, a->phase, a->slots);
}

KERNEL_FN void control_back(int32_t phase, const back_args *a, kernel_thread w, void *shared)
{
    (void)phase;
    (void)w;
    (void)shared;
    odeon_kit_step_back(a->slots);
}
