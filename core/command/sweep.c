/* `odeon sweep`: the command line of many runs. Each is a process of this same program, `odeon
 * train`, so that one that crashes or runs out of memory is a row of the table and no more; all
 * that is kept is in the runs' folders. */
#include "command/command.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cores.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "command/table_options.h"
#include "format/run_folder.h"
#include "run/interrupt.h"
#include "run/processes.h"
#include "run/sweep.h"

/* The jobs of a sweep: todo[k] is run number todo[k] of the plan, argv its command line. */
typedef struct jobs {
    sweep *sweep;
    FILE *words;
    size_t n, ended;
    size_t *todo;
    process_job *list;
    char **logs;
    int64_t workers; /* that each run has for itself by its configuration; 0: it chooses */
} jobs;

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "sweep: no memory");
}

/* ---- command lines ---- */

/* A new run takes the INI and its values; one that is there has them in its folder. */
static odeon_status make_argv(const command_line *a, const sweep *s, const sweep_run *run,
                              const char *const **out)
{
    size_t n = 0;
    const char **argv = mem_zalloc(s->axes.n + 2 * a->n_plugin_paths + 8, sizeof *argv);
    *out = argv;
    if (argv == NULL) {
        return no_memory();
    }
    argv[n++] = a->argv[0];
    argv[n++] = "train";
    for (size_t i = 0; i < a->n_plugin_paths; i++) {
        argv[n++] = "--plugin-path";
        argv[n++] = a->plugin_paths[i];
    }
    if (run->has_record) {
        argv[n++] = "--resume";
        argv[n++] = "--";
        argv[n++] = run->path;
        return ODEON_OK;
    }
    argv[n++] = "--";
    argv[n++] = s->ini;
    for (size_t i = 0; i <= s->axes.n; i++) {
        argv[n++] = run->overrides[i];
    }
    return ODEON_OK;
}

static odeon_status add_job(const command_line *a, jobs *j, size_t run)
{
    sweep *s = j->sweep;
    process_job *job = &j->list[j->n];
    ODEON_TRY(make_argv(a, s, &s->runs[run], &job->argv));
    j->logs[j->n] = mem_printf("%s.log", s->runs[run].path);
    job->log = j->logs[j->n];
    j->todo[j->n++] = run;
    return job->log != NULL ? ODEON_OK : no_memory();
}

/* Looks at all runs first: what cannot be begun is known before hours have passed. */
static odeon_status find_jobs(const command_line *a, registry *r, jobs *j)
{
    sweep *s = j->sweep;
    j->todo = mem_zalloc(s->n, sizeof *j->todo);
    j->list = mem_zalloc(s->n, sizeof *j->list);
    j->logs = mem_zalloc(s->n, sizeof *j->logs);
    odeon_status status =
        j->todo != NULL && j->list != NULL && j->logs != NULL ? ODEON_OK : no_memory();
    for (size_t i = 0; i < s->n && status == ODEON_OK; i++) {
        sweep_run *run = &s->runs[i];
        int64_t workers;
        status = sweep_look(s, run, r, &workers);
        j->workers = workers > j->workers ? workers : j->workers;
        if (status == ODEON_OK && !run->refused &&
            !(run->has_record && run->record.state == RUN_FINISHED)) {
            status = add_job(a, j, i);
        }
    }
    return status;
}

static void jobs_fini(jobs *j)
{
    for (size_t i = 0; i < j->n; i++) {
        const char **argv;
        memcpy(&argv, &j->list[i].argv, sizeof argv);
        mem_free(argv);
        mem_free(j->logs[i]);
    }
    mem_free(j->todo);
    mem_free(j->list);
    mem_free(j->logs);
}

/* ---- while they run ---- */

static void begun(void *context, size_t index)
{
    jobs *j = context;
    const sweep_run *run = &j->sweep->runs[j->todo[index]];
    (void)fprintf(j->words, "%s: %s\n", run->name, run->has_record ? "goes on" : "begins");
    (void)fflush(j->words);
}

/* Exit codes are odeon's, which are statuses of the same meaning (status_exit_code). */
static odeon_status status_of(int code)
{
    static const odeon_status all[] = {ODEON_ERR_INTERNAL, ODEON_ERR_CONFIG, ODEON_ERR_DATA,
                                       ODEON_ERR_PLUGIN,   ODEON_ERR_IO,     ODEON_ERR_NUMERIC,
                                       ODEON_ERR_DEVICE};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (status_exit_code(all[i]) == code) {
            return all[i];
        }
    }
    bool stopped = code == status_exit_code(ODEON_ERR_CANCELLED) || code == 128 + SIGHUP ||
                   code == 128 + SIGINT || code == 128 + SIGTERM;
    return stopped ? ODEON_ERR_CANCELLED : ODEON_ERR_INTERNAL;
}

/* A run that was stopped has its reason in the state that it is in. */
static void set_reason(sweep_run *run, const char *log, int code)
{
    mem_free(run->reason);
    run->reason = NULL;
    run->status = ODEON_OK;
    if (code == 0) {
        return;
    }
    char *word = process_last_word(log);
    run->status = status_of(code);
    run->reason = word != NULL ? word : mem_printf("exit code %d, see %s", code, log);
    if (run->status == ODEON_ERR_CANCELLED) {
        run->status = ODEON_OK;
        mem_free(run->reason);
        run->reason = NULL;
    }
}

static void ended(void *context, size_t index, int code)
{
    jobs *j = context;
    sweep_run *run = &j->sweep->runs[j->todo[index]];
    set_reason(run, j->logs[index], code);
    if (sweep_read(run) != ODEON_OK) {
        diag_clear(); /* the table shows it without figures */
    }
    bool known = code == 0 && run->has_record;
    double accuracy = known ? run_status_figure(&run->record, "accuracy") : (double)NAN;
    (void)fprintf(j->words, "%s: %s (%zu of %zu)", run->name,
                  code == 0                 ? "finished"
                  : run->status == ODEON_OK ? "stopped"
                                            : "failed",
                  ++j->ended, j->n);
    if (!isnan(accuracy)) {
        (void)fprintf(j->words, ", accuracy %.4f", accuracy);
    } else if (known) {
        (void)fprintf(j->words, ", test loss %.4g", run_status_figure(&run->record, "test_loss"));
    } else if (run->reason != NULL) {
        (void)fprintf(j->words, ": %s", run->reason);
    }
    (void)fputs("\n", j->words);
    (void)fflush(j->words);
}

/* ---- options ---- */

static odeon_status read_count(const command_line *a, int option, const char *name, int64_t *out)
{
    const char *text = a->value[option];
    *out = 0;
    if (text != NULL &&
        (number_parse_i64(text, out) != NUMBER_OK || *out < 1 || *out > AXES_MOST_VALUES)) {
        return diag_fail(ODEON_ERR_CONFIG, "--%s %s: must be a whole number from 1 to %d", name,
                         text, AXES_MOST_VALUES);
    }
    return ODEON_OK;
}

/* As many as there are processors for, with the workers that the configuration gives each. */
static size_t slots_of(const jobs *j, int64_t wanted)
{
    int64_t cores = cores_usable(), each = j->workers > 0 ? j->workers : 1;
    int64_t slots = wanted > 0 ? wanted : cores / each > 0 ? cores / each : 1;
    return (size_t)slots < j->n ? (size_t)slots : j->n;
}

/* ---- the whole ---- */

static odeon_status make_folder(const char *path)
{
    if (path[0] == '\0') {
        return diag_fail(ODEON_ERR_CONFIG, "sweep: --out names no folder");
    }
    char *copy = mem_strdup(path);
    if (copy == NULL) {
        return no_memory();
    }
    odeon_status status = ODEON_OK;
    for (char *p = copy + 1; status == ODEON_OK; p++) {
        char was = *p;
        if (was == '/' || was == '\0') {
            *p = '\0';
            if (mkdir(copy, 0777) != 0 && errno != EEXIST) {
                status = diag_fail(ODEON_ERR_IO, "%s: cannot create the folder: %s", copy,
                                   strerror(errno));
            }
            *p = was;
        }
        if (was == '\0') {
            break;
        }
    }
    mem_free(copy);
    return status;
}

/* The signals are caught before the first process is there, and given back after the last. */
static odeon_status run_jobs(jobs *j, size_t slots)
{
    char *program;
    process_watcher watcher = {.context = j, .begun = begun, .ended = ended};
    ODEON_TRY(process_own_program(&program));
    odeon_status status = make_folder(j->sweep->folder);
    if (status == ODEON_OK) {
        status = interrupt_catch();
    }
    if (status == ODEON_OK) {
        status = processes_run(program, j->n, j->list, slots, &watcher);
    }
    mem_free(program);
    return status;
}

static odeon_status report(const command_line *a, const sweep *s, table_form form)
{
    table t = {0};
    odeon_status status = sweep_table(s, &t);
    if (status == ODEON_OK) {
        status = table_print(&t, form, a->out);
    }
    table_fini(&t);
    return status;
}

/* What the exit code says: that of the first run that failed. */
static odeon_status conclude(const sweep *s)
{
    size_t finished = sweep_finished(s);
    if (interrupt_signal() != 0) {
        return diag_fail(ODEON_ERR_CANCELLED,
                         "stopped by %s with %zu of %zu runs finished, in %s; the same command "
                         "goes on",
                         interrupt_name(interrupt_signal()), finished, s->n, s->folder);
    }
    for (size_t i = 0; i < s->n; i++) {
        const sweep_run *run = &s->runs[i];
        if (run->status != ODEON_OK) {
            return diag_fail(run->status, "%zu of %zu runs are not finished; the first is %s: %s",
                             s->n - finished, s->n, run->name,
                             run->reason != NULL ? run->reason : "no reason is known");
        }
    }
    return finished == s->n ? ODEON_OK
                            : diag_fail(ODEON_ERR_INTERNAL,
                                        "%zu of %zu runs are not finished; the same "
                                        "command goes on",
                                        s->n - finished, s->n);
}

static odeon_status carry_out(const command_line *a, sweep *s, registry *r, int64_t wanted)
{
    table_form form = table_form_of(a);
    jobs j = {.sweep = s, .words = form == TABLE_TEXT ? a->out : a->err};
    odeon_status status = find_jobs(a, r, &j);
    if (status == ODEON_OK) {
        size_t slots = slots_of(&j, wanted);
        (void)fprintf(j.words, "%zu runs in %s: %zu finished, %zu to do, %zu at a time\n", s->n,
                      s->folder, sweep_finished(s), j.n, slots);
        (void)fflush(j.words);
        status = j.n > 0 ? run_jobs(&j, slots) : ODEON_OK;
    }
    jobs_fini(&j);
    if (status == ODEON_OK || status == ODEON_ERR_CANCELLED) {
        ODEON_TRY(report(a, s, form));
        status = conclude(s);
    }
    return status;
}

static odeon_status sweep_ini(const command_line *a, const char *ini)
{
    int64_t wanted, draw;
    sweep s;
    registry *r = NULL;
    ODEON_TRY(table_options_check(a));
    ODEON_TRY(read_count(a, ARGUMENT_JOBS, "jobs", &wanted));
    ODEON_TRY(read_count(a, ARGUMENT_RANDOM, "random", &draw));
    if (draw > 0 && a->value[ARGUMENT_GRID] != NULL) {
        return diag_fail(ODEON_ERR_CONFIG, "one of --grid and --random N, not both");
    }
    odeon_status status = sweep_plan(ini, a->n_operands - 1, a->operands + 1, (size_t)draw,
                                     a->value[ARGUMENT_OUT], &s);
    if (status == ODEON_OK) {
        status = registry_create(a->n_plugin_paths, a->plugin_paths, &r);
    }
    if (status == ODEON_OK) {
        status = carry_out(a, &s, r, wanted);
    }
    registry_destroy(r);
    sweep_fini(&s);
    return status;
}

/* A run's folder stands for its configuration. */
static odeon_status run_sweep(const command_line *a)
{
    char *ini;
    ODEON_TRY(run_folder_find_ini(a->operands[0], &ini));
    odeon_status status = sweep_ini(a, ini);
    mem_free(ini);
    return status;
}

const command command_sweep = {
    .name = "sweep",
    .operands = "INI path.key=a|b|c ... [run.seed=1..5]",
    .summary = "train with all combinations of values",
    .help =
        "Bars separate the values of a key, outside of parentheses; FROM..TO are whole numbers,\n"
        "and a backslash before a bar or a point makes it plain text. Every combination is a run\n"
        "of `odeon train` in a process and a folder of its own, FOLDER/rtol=1e-3,seed=2, with\n"
        "what it printed in FOLDER/rtol=1e-3,seed=2.log. The same command again keeps finished\n"
        "runs and goes on with those that were stopped, be it by Ctrl-C or by a kill; a failed\n"
        "one is tried again. Runs that differ in run.seed alone are one row of the table: mean\n"
        "and standard deviation of the last test's figures, best first (highest accuracy, or\n"
        "least loss). A run that fails is a row with its reason, and its exit code is the\n"
        "sweep's.\n\n"
        "  --out FOLDER        where runs go; sweeps/STEM of the INI if not given\n"
        "  --jobs N            so many runs at a time, among which the processors are divided;\n"
        "                      if not given as many as there are processors, with as many as\n"
        "                      run.workers says for each: on a GPU give --jobs 1\n"
        "  --random N          N combinations, drawn from the grid, each with all seeds; a larger\n"
        "                      N adds to those of a smaller one\n"
        "  --grid              all of them, which is the default\n"
        "  --csv, --json       the table as CSV or JSON on standard output, progress on standard\n"
        "                      error\n",
    .options = UINT64_C(1) << ARGUMENT_OUT | UINT64_C(1) << ARGUMENT_JOBS |
               UINT64_C(1) << ARGUMENT_RANDOM | UINT64_C(1) << ARGUMENT_GRID |
               UINT64_C(1) << ARGUMENT_CSV | UINT64_C(1) << ARGUMENT_JSON,
    .min_operands = 1,
    .max_operands = (size_t)-1,
    .run = run_sweep,
};
