/* evaluation.h: run.eval_every, "10 epochs", "500 steps", "25 seconds", and keys alike. */
#ifndef ODEON_CORE_CONFIG_EVALUATION_H
#define ODEON_CORE_CONFIG_EVALUATION_H
#include "config/config.h"

/* run.eval_every: sets c->eval_unit and what goes with it, and puts the normal form in the place of
 * what was typed. */
odeon_status evaluation_read(config *c, option_value *value);

/* A key of epochs or steps alone, called name in section; *out has every 0 where it is not given.
 * The normal form likewise. */
odeon_status evaluation_read_count(const char *section, const char *name, option_value *value,
                                   config_count *out);

#endif
