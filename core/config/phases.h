/* phases.h: the [train.NAME] sections: later parts of a run, each with an optimizer of its own. */
#ifndef ODEON_CORE_CONFIG_PHASES_H
#define ODEON_CORE_CONFIG_PHASES_H
#include "config/loading.h"

/* Is there such a section? */
bool phases_given(const document *d);
/* The stage of the step that follows: 1 + the last phase that has begun by then and sets keys. */
size_t config_stage_after(const config *c, int64_t step);
/* Fills c->phases, in the order of the file, which has to be that of the run, and prints them. */
odeon_status phases_read(loading *l);

#endif
