/* stages.h: the keys that phases of a run set ([train.NAME] set = ...), before it begins. */
#ifndef ODEON_CORE_COMMAND_STAGES_H
#define ODEON_CORE_COMMAND_STAGES_H
#include "command/setup.h"

/* Reads the configuration of every stage and builds the shapes of its model: what could not go on
 * from the stage before is refused now, and not in the midst of the run. s has the first one's. */
odeon_status stages_check(const command_line *a, const setup *s);
/* The same without data, of an INI that may come from anybody (setup_open_unknown). */
odeon_status stages_check_unknown(const command_line *a, const setup *s);

#endif
