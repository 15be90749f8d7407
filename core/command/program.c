/* From a command line to an exit code. Commands know nothing of processes: they get a parsed
 * command line, print to its streams and answer a status with a message in diag. Whatever belongs
 * to being a program, such as signals, closed streams, buffers of stdout and the one line about an
 * error, is here. */
#include "odeon_run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/diag.h"
#include "base/nearest.h"
#include "command/command.h"
#include "command/standard_streams.h"
#include "odeon/abi.h"
#include "plugin/crash.h"
#include "plugin/registry.h"
#include "run/interrupt.h"

/* In the order in which help lists them: the way of a model from training to use, tools in between.
 */
static const command *const commands[] = {
    &command_train, &command_eval,    &command_check,   &command_plugins, &command_inspect,
    &command_grad,  &command_replay,  &command_diff,    &command_predict, &command_solve,
    &command_bench, &command_report,  &command_plot,    &command_sweep,   &command_runs,
    &command_audit, &command_lr_find, &command_compare, &command_sample,
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static const char options_help[] =
    "Options of all commands:\n"
    "  --plugin-path DIR   look for plugins DIR/KIND/ID.so here first; may be repeated\n"
    "  -h, --help          show help; -V, --version show the version\n";

static const char overrides_help[] =
    "An argument path.key=value sets key of section [path] over what the INI says, e.g.\n"
    "run.epochs=3, or model.head.units=20; a relative path in it counts from the working\n"
    "directory.\n";

static const char exit_help[] =
    "Exit codes: 0 done, 1 internal error (diff: the runs differ), 2 usage or configuration,\n"
    "3 data, 4 plugin, 5 input or output, 6 numerical failure, 7 device or out of memory,\n"
    "129, 130 and 143 interrupted by a lost terminal, Ctrl-C or SIGTERM: after saving, or, where\n"
    "that took too long, as the message says.\n";

/* A command that is not there most likely was mistyped: the nearest name is proposed. */
static odeon_status find_command(const char *name, const command **out)
{
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++) {
        names[i] = commands[i]->name;
        if (strcmp(names[i], name) == 0) {
            *out = commands[i];
            return ODEON_OK;
        }
    }
    const char *near = nearest_name(name, N_COMMANDS, names);
    return diag_fail(ODEON_ERR_CONFIG, "unknown command '%s'%s%s%s (odeon --help lists them)", name,
                     near != NULL ? ", did you mean '" : "", near != NULL ? near : "",
                     near != NULL ? "'?" : "");
}

/* Of all commands, a line each. */
static void print_help(FILE *out)
{
    fprintf(out, "odeon: neural ordinary differential equations from INI files\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++) {
        fprintf(out, "  odeon %-8s %-34s %s\n", commands[i]->name, commands[i]->operands,
                commands[i]->summary);
    }
    fprintf(out, "  odeon %-8s %-34s %s\n\n%s\n%s\n%s", "help", "COMMAND", "more on a command",
            options_help, overrides_help, exit_help);
}

/* The command's own text says only what is particular to it; options of all commands follow. */
static void print_command_help(FILE *out, const command *c)
{
    fprintf(out, "odeon %s %s: %s\n\n%s\n%s", c->name, c->operands, c->summary, c->help,
            options_help);
}

static void print_version(FILE *out)
{
    fprintf(out, "odeon %s (plugin ABI %d.%d)\n", ODEON_VERSION, ODEON_ABI_MAJOR, ODEON_ABI_MINOR);
}

/* `odeon help NAME` and `odeon NAME --help` show the same. */
static odeon_status run_help(const command_line *a)
{
    if (a->n_operands == 0) {
        print_help(a->out);
        return ODEON_OK;
    }
    const command *c = NULL;
    ODEON_TRY(find_command(a->operands[0], &c));
    print_command_help(a->out, c);
    return ODEON_OK;
}

/* Options that the command does not take, and a wrong number of operands, are refused here, so that
 * no command has to. */
static odeon_status run_command(const command_line *a)
{
    const command *c = NULL;
    ODEON_TRY(find_command(a->command, &c));
    if (a->help) {
        print_command_help(a->out, c);
        return ODEON_OK;
    }
    ODEON_TRY(command_line_allow(a, c->options));
    if (a->n_operands < c->min_operands || a->n_operands > c->max_operands) {
        return diag_fail(ODEON_ERR_CONFIG, "usage: odeon %s %s (odeon help %s)", c->name,
                         c->operands, c->name);
    }
    return c->run(a);
}

/* --version and help win over anything else on the line, so that they work whatever is wrong with
 * the rest. */
static odeon_status dispatch_to(const command_line *a)
{
    if (a->version) {
        print_version(a->out);
        return ODEON_OK;
    }
    if (a->command != NULL && strcmp(a->command, "help") == 0) {
        return run_help(a);
    }
    if (a->command != NULL) {
        return run_command(a);
    }
    if (a->help) {
        print_help(a->out);
        return ODEON_OK;
    }
    return diag_fail(ODEON_ERR_CONFIG, "no command given (odeon --help lists them)");
}

/* What commands say for people goes through the streams that clean it. */
static odeon_status dispatch(command_line *a)
{
    a->out = clean_stream(stdout);
    a->err = clean_stream(stderr);
    odeon_status status = a->out != NULL && a->err != NULL
                              ? dispatch_to(a)
                              : diag_fail(ODEON_ERR_NOMEM, "no memory for standard output");
    if (a->out != NULL) {
        (void)fclose(a->out);
    }
    if (a->err != NULL) {
        (void)fclose(a->err);
    }
    return status;
}

/* What went to stdout may still be in its buffer, and a full disk shows only now. */
static odeon_status flush_stdout(void)
{
    errno = 0;
    bool failed = ferror(stdout) != 0;
    if (fflush(stdout) != 0 || failed) {
        return diag_fail(ODEON_ERR_IO, "standard output could not be written%s%s",
                         errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
    }
    return ODEON_OK;
}

/* quiet: "no" is an answer, not an error. */
static int report(odeon_status status, bool quiet)
{
    if (status == ODEON_OK) {
        return 0;
    }
    if (status == COMMAND_DIFFERENT) {
        return 1;
    }
    const char *message = diag_message();
    if (!quiet || status != ODEON_ERR_PLUGIN) {
        fprintf(stderr, "odeon: %s%s\n", status == ODEON_ERR_CANCELLED ? "" : "error: ",
                message[0] != '\0' ? message : status_text(status));
    }
    if (status == ODEON_ERR_CANCELLED && interrupt_signal() != 0) {
        return 128 + interrupt_signal();
    }
    return status_exit_code(status);
}

/* The order matters at both ends. Descriptors and signals come first, since everything after them
 * may open files or write. At the end the commands' memory is gone before stdout is flushed, and
 * the message is printed last, after everything that could still fail. */
int odeon_main(int argc, char **argv)
{
    if (!standard_streams_open()) {
        return status_exit_code(ODEON_ERR_IO); /* there is nobody to tell */
    }
    diag_clear();
    crash_watch();
    (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the write that meets it */
    (void)signal(SIGXFSZ, SIG_IGN); /* and so is a file that may not grow further */
    command_line a;
    odeon_status status = command_line_parse(argc, argv, &a);
    if (status == ODEON_OK) {
        status = dispatch(&a);
    }
    bool quiet = a.value[ARGUMENT_EXISTS] != NULL;
    command_line_fini(&a);
    crash_unwatch();
    odeon_status flushed = flush_stdout();
    int code = report(status != ODEON_OK ? status : flushed, quiet);
    interrupt_release(); /* of a run that was stopped only here: taking it down may hang as well */
    return code;
}
