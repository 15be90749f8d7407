/* schedule.h: how the learning rate goes through a run: a factor for every optimizer step.
 *
 *   static double factor(void *self, const odeon_position *at)
 *   {
 *       (void)self;
 *       return ODEON_MUST_UNDERSTAND(at->flags, 0) != 0 ? (double)NAN : at->step > 10 ? 0.5 : 1.0;
 *   }
 *   static const odeon_schedule_ops ops = {.struct_size = sizeof ops, .factor = factor};
 *   ODEON_PLUGIN(SCHEDULE, "halves", &ops, "half the rate after ten steps", NULL);
 *
 * Frozen at 1.0. */
#ifndef ODEON_SCHEDULE_H
#define ODEON_SCHEDULE_H
#include "odeon/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a run stands before a step. Growing. */
typedef struct odeon_position {
    uint32_t struct_size;
    uint32_t flags;         /* none yet; see MUST UNDERSTAND in abi.h */
    int64_t step;           /* the optimizer's step that is to come, from 1 */
    int64_t steps;          /* of the whole run, >= step */
    int64_t steps_an_epoch; /* >= 1 */
    double epoch;           /* gone through before the step: (step - 1) / steps_an_epoch */
    double epochs;          /* of the whole run: steps / steps_an_epoch */
} odeon_position;

/* Growing. */
typedef struct odeon_schedule_ops {
    uint32_t struct_size, reserved0;
    /* What the optimizer's learning rate is multiplied with in that step: a finite number >= 0. It
     * follows from the options and the position alone, so that a run which goes on has the same
     * bits as one that was never interrupted. Any other number, as NaN for a position with a flag
     * that must be understood, ends the run. [main; update] */
    double (*factor)(void *self, const odeon_position *position);

    /* ---- optional ---- */

    /* What of the options cannot be meant in a run that ends at position, such as a warm-up that
     * lasts longer: one line without full stop into text, which has room for bytes and is "" at
     * first; nothing where all can be. steps and steps_an_epoch are 0 where the number of samples
     * is not known. [main; build] */
    void (*remark)(void *self, const odeon_position *position, char *text, uint64_t bytes);
} odeon_schedule_ops;

#ifdef __cplusplus
}
#endif
#endif
