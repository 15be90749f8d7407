/* train_length.h: how long a run is, in batches: of the configuration, of so many samples, and of
 * the checkpoint that it goes on from. */
#ifndef ODEON_CORE_RUN_TRAIN_LENGTH_H
#define ODEON_CORE_RUN_TRAIN_LENGTH_H
#include "base/batches.h"
#include "config/config.h"
#include "format/checkpoint.h"
#include "session/handle.h"

/* An epoch of so many samples, cut into batches. */
batches train_batches(const config *c, int64_t samples);
int64_t train_steps_an_epoch(const config *c, int64_t samples);

/* Optimizer steps of a whole run over so many samples an epoch, that goes on from a checkpoint or,
 * with NULL, does not. */
int64_t train_steps(const config *c, int64_t samples, const checkpoint *from);

/* Where a run stands that goes on from at with another number of samples or another batch: what
 * is left of the epoch is cut anew. */
checkpoint train_cut_anew(const config *c, int64_t samples, checkpoint at);

/* ODEON_ERR_CONFIG where a batch of the run would be smaller than a layer takes: any, or the last
 * of an epoch of so many samples (0: not known, and not asked). */
odeon_status train_check_batches(const session *s, const config *c, int64_t samples);

#endif
