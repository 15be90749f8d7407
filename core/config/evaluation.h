/* evaluation.h: run.eval_every: "10 epochs", "500 steps", "25 seconds". */
#ifndef ODEON_CORE_CONFIG_EVALUATION_H
#define ODEON_CORE_CONFIG_EVALUATION_H
#include "config/config.h"

/* run.eval_every: sets c->eval_unit and what goes with it, and puts the normal form in the place of
 * what was typed. */
odeon_status evaluation_read(config *c, option_value *value);

#endif
