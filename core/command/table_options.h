/* table_options.h: --csv and --json of commands whose answer is a table. */
#ifndef ODEON_CORE_COMMAND_TABLE_OPTIONS_H
#define ODEON_CORE_COMMAND_TABLE_OPTIONS_H
#include "command/command_line.h"
#include "run/table.h"

/* ODEON_ERR_CONFIG if both are given. */
odeon_status table_options_check(const command_line *a);
table_form table_form_of(const command_line *a);

#endif
