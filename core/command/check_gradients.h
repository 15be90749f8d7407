/* check_gradients.h: `odeon check --gradients`. */
#ifndef ODEON_CORE_COMMAND_CHECK_GRADIENTS_H
#define ODEON_CORE_COMMAND_CHECK_GRADIENTS_H
#include "command/command_line.h"

/* Holds every tensor's gradient against central differences (run/gradient_check.h) and prints the
 * table. ODEON_ERR_NUMERIC if one is wrong. Plugin files that the INI names run with --trust
 * alone. */
odeon_status check_gradients(const command_line *a);

#endif
