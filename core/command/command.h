/* command.h: the commands of the program. Each is one source, NAME.c. */
#ifndef ODEON_CORE_COMMAND_COMMAND_H
#define ODEON_CORE_COMMAND_COMMAND_H
#include "command/command_line.h"

/* An answer of run beside odeon_status: exit code 1 without an error message. */
enum { COMMAND_DIFFERENT = 101 };

typedef struct command {
    const char *name;
    const char *operands; /* "INI [path.key=value ...]" */
    const char *summary;  /* one line, no full stop */
    const char *help;     /* the rest of `odeon help NAME`; ends with a line break */
    uint64_t options;     /* 1 << ARGUMENT_* of those it takes */
    size_t min_operands, max_operands;
    odeon_status (*run)(const command_line *a);
} command;

extern const command command_train, command_eval, command_check, command_plugins, command_inspect,
    command_grad, command_replay, command_diff, command_predict, command_solve, command_bench,
    command_report, command_plot, command_sweep, command_runs, command_audit, command_lr_find,
    command_compare, command_sample;

#endif
