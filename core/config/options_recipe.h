/* options_recipe.h: the keys of [run], [data], [train] and [model.NAME] that say how a model is
 * trained and chosen, for the tables of options.c. None has a default that the normal form would
 * show: a configuration that gives none of them has the normal form that it always had. */
#ifndef ODEON_CORE_CONFIG_OPTIONS_RECIPE_H
#define ODEON_CORE_CONFIG_OPTIONS_RECIPE_H
#include "odeon/option.h"

extern const odeon_option recipe_eval_test, recipe_best_by, recipe_stop_patience, recipe_max_time;
extern const odeon_option recipe_validation;
extern const odeon_option recipe_accumulate, recipe_ema;
extern const odeon_option recipe_after, recipe_set, recipe_follow;
extern const odeon_option recipe_freeze, recipe_lr_factor;

#endif
