/* setup_spare.h: what a command must not write over. */
#ifndef ODEON_CORE_COMMAND_SETUP_SPARE_H
#define ODEON_CORE_COMMAND_SETUP_SPARE_H
#include "command/setup.h"

/* Refuses, before there is anything to write, what the user has named as an output: what cannot be
 * written (output_file_check), and, with ODEON_ERR_CONFIG, a file that the command reads: of the
 * configuration, the data, the weights, --in and --batch. option is ARGUMENT_OUT or ARGUMENT_STEPS,
 * given; name how it is typed. */
odeon_status setup_spare(const setup *s, const command_line *a, int option, const char *name);

#endif
