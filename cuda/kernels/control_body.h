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

/* ---- the end of a trial step, one block ---- */

/* Phases 0 to KERNEL_TREE_PHASES: each sum by itself, as kernel join does it. */
KERNEL_FN void judge_join(int32_t phase, const judge_args *a, kernel_thread w, double *shared)
{
    const int32_t norm = a->of.control.norm;
    KERNEL_ROLLED for (int32_t i = 0; i < a->n_sums; i++)
    {
        const judged_sum *s = &a->sum[i];
        double *sums = shared + i * w.threads;
        const kernel_thread of_sum = {0, 1, w.thread, s->threads};
        if (phase > 0) {
            kernel_tree_join(phase, of_sum, sums, norm);
        } else if (w.thread < s->threads) {
            sums[w.thread] =
                kernel_join_from(norm, a->from + s->first, s->count, w.thread, s->threads);
        }
    }
}

/* Thread 0, which has made the last addition of each sum. The times of a step are few, so that it
 * writes them as well. */
KERNEL_FN void judge_control(const judge_args *a, int32_t threads, const double *shared)
{
    double *slots = a->of.slots;
    KERNEL_ROLLED for (int32_t i = 0; i < a->n_sums; i++)
    {
        slots[a->sum[i].slot] = shared[i * threads];
    }
    odeon_kit_step_control(&a->of.control, slots);
    odeon_kit_stage_times(a->n_times, a->c, slots);
}

KERNEL_FN void judge(int32_t phase, const judge_args *a, kernel_thread w, void *shared)
{
    judge_join(phase, a, w, (double *)shared);
    if (phase == KERNEL_TREE_PHASES && w.thread == 0) {
        judge_control(a, w.threads, (const double *)shared);
    }
}
