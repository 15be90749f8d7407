/* command_line.h: a command line taken apart: the command, its operands, options. */
#ifndef ODEON_CORE_COMMAND_COMMAND_LINE_H
#define ODEON_CORE_COMMAND_COMMAND_LINE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "odeon/status.h"

/* Options that belong to single commands; of one that takes no value it is "" if given. */
enum {
    ARGUMENT_WEIGHTS,
    ARGUMENT_BATCH,
    ARGUMENT_DTYPE,
    ARGUMENT_OUT,
    ARGUMENT_STEPS,
    ARGUMENT_IN,
    ARGUMENT_SPLIT,
    ARGUMENT_WHAT,
    ARGUMENT_COMPARE,
    ARGUMENT_OPERATOR,
    ARGUMENT_SECONDS,
    ARGUMENT_SAMPLES,
    ARGUMENT_RESUME,
    ARGUMENT_FROM_START,
    ARGUMENT_ACCEPT_CHANGES,
    ARGUMENT_TRANSFORMED,
    ARGUMENT_JSON,
    ARGUMENT_EXISTS,
    ARGUMENT_REFERENCE,
    ARGUMENT_TRUST,
    ARGUMENT_DATA,
    ARGUMENT_LOAD,
    ARGUMENT_SLOPE,
    ARGUMENT_CSV,
    ARGUMENT_JOBS,
    ARGUMENT_RANDOM,
    ARGUMENT_GRID,
    ARGUMENT_METHODS,
    ARGUMENT_INTEGRATORS,
    ARGUMENT_TOLERANCES,
    ARGUMENT_DIRECTIONS,
    ARGUMENT_GRADIENTS,
    ARGUMENT_FROM,
    ARGUMENT_TO,
    ARGUMENT_BATCHES,
    ARGUMENT_WORK_PRECISION,
    ARGUMENT_REPORT_EVERY,
    ARGUMENT_SERVE,
    ARGUMENT_PLOT,
    ARGUMENT_REFRESH,
    ARGUMENT_N,
    ARGUMENT_RANGE,
    ARGUMENT_COUNT
};

typedef struct command_line {
    int argc; /* the command line as it was typed */
    char **argv;
    const char *command; /* NULL: none */
    size_t n_operands;   /* what follows the command and is no option */
    const char *const *operands;
    size_t n_plugin_paths; /* --plugin-path, in order */
    const char **plugin_paths;
    size_t n_compares; /* --compare, in order */
    const char **compares;
    FILE *out, *err; /* where text for people goes; set by whoever calls a command */
    const char *value[ARGUMENT_COUNT]; /* NULL: not given; of several the last */
    bool help, version;
    char **words; /* own array behind command and operands */
} command_line;

/* Takes argv apart; it is borrowed until command_line_fini and stays as it is. Options may stand
 * anywhere up to "--". ODEON_ERR_CONFIG: unknown option, or one without its value; ODEON_ERR_NOMEM.
 * out can be given to command_line_fini whatever the answer. */
odeon_status command_line_parse(int argc, char **argv, command_line *out);
void command_line_fini(command_line *a);

/* ODEON_ERR_CONFIG if an option is given whose bit (1 << ARGUMENT_*) is not in allowed. */
odeon_status command_line_allow(const command_line *a, uint64_t allowed);

#endif
