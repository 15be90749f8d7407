/* config_changes.h: what a run that goes on has otherwise than it began. */
#ifndef ODEON_CORE_RUN_CONFIG_CHANGES_H
#define ODEON_CORE_RUN_CONFIG_CHANGES_H
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/* May this key, as "run.epochs", of n bytes be another when a run goes on? Such say how long it is,
 * what is written of it and when, what it is called: none changes the bits of a step. */
bool config_may_change(const char *key, size_t n);
/* "run.epochs, run.iterations, ... and run.on_failure": all of those. */
void config_may_change_print(text_buffer *out);

/* Adds the other keys in which two normal forms differ, "train.lr: 0.01, now 0.5; ...": nothing if
 * in none. Long values and lists are cut. */
void config_changes(const char *then, const char *now, text_buffer *out);

#endif
