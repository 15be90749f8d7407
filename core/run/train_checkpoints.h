/* train_checkpoints.h: when and how a run saves where it stands: weights.safetensors, the best
 * weights, and checkpoints. */
#ifndef ODEON_CORE_RUN_TRAIN_CHECKPOINTS_H
#define ODEON_CORE_RUN_TRAIN_CHECKPOINTS_H
#include "run/trainer.h"

/* Where a run begins, or goes on from a checkpoint (NULL: none). */
checkpoint train_beginning(const session *s, const config *c, const train_plan *plan,
                           const checkpoint *from);

odeon_status train_save_weights(trainer *t);
/* A checkpoint of where the run stands, with or without weights.safetensors. */
odeon_status train_save_checkpoint(trainer *t, bool weights);
/* Both, unless they are of where the run stands already. */
odeon_status train_save_all(trainer *t);
/* The same if it is due by the clock or the run is at its end. */
odeon_status train_save_if_due(trainer *t);
/* A checkpoint if run.checkpoint_every asks for one of this step. Before anything else is done with
 * the step, such as a test. */
odeon_status train_save_if_asked(trainer *t);
/* What the run began with becomes its checkpoint; a warning where that fails. */
void train_save_start(trainer *t);

/* Where the run could go on if it were ended this moment. */
void train_saved_text(const trainer *t, char *text, size_t bytes);
/* Makes that text the one that a signal is answered with (interrupt.h). */
void train_update_advice(const trainer *t);

#endif
