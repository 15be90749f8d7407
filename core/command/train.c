/* `odeon train`: a new run, or one that goes on. Both come to train_in with a model, two open
 * splits, a folder that is this process's, and the facts for its manifest; they differ in where the
 * folder comes from and in what the session is put back to.
 *
 * Order matters to whoever makes a mistake: what can be refused by looking at options and files is
 * refused before the model is built, and everything before a folder is made or changed. */
#include "command/command.h"

#include <inttypes.h>

#include "base/checksum.h"
#include "base/diag.h"
#include "base/mem.h"
#include "command/resume.h"
#include "command/setup.h"
#include "command/stages.h"
#include "command/watching.h"
#include "data/fingerprint.h"
#include "format/run_folder.h"
#include "run/interrupt.h"
#include "run/live_page.h"
#include "run/run_dir.h"
#include "run/summary.h"
#include "run/train.h"
#include "run/train_audit.h"
#include "run/train_length.h"
#include "run/train_line.h"
#include "run/train_phase.h"
#include "run/train_stop.h"
#include "session/curves.h"
#include "session/describe.h"
#include "session/placement.h"

typedef struct splits {
    data_source *train, *test, *validation; /* validation NULL: there is none */
} splits;

/* What is left of a run when it has ended. */
typedef struct outcome {
    char *where; /* its folder; NULL: it never had one */
    live_page *page;
    bool stage_over; /* it goes on with other keys */
} outcome;

/* Both before any model is built; what was opened is the caller's to close, on failure too. */
static odeon_status open_splits(const config *c, splits *out)
{
    ODEON_TRY(data_open(c, ODEON_SPLIT_TRAIN, &out->train));
    if (c->drop_last && data_epoch_length(out->train) < c->batch) {
        return diag_fail(ODEON_ERR_DATA,
                         "data.drop_last: the training split has %" PRId64
                         " samples in use, less than a batch of %" PRId64 ": nothing is left",
                         data_epoch_length(out->train), c->batch);
    }
    ODEON_TRY(data_open_validation(c, out->train, &out->validation));
    return data_open(c, ODEON_SPLIT_TEST, &out->test);
}

static void close_splits(splits *data)
{
    data_close(data->validation); /* before train, whose data set it reads from */
    data_close(data->train);
    data_close(data->test);
}

/* A checksum of the order of the first epoch: two runs that visit their samples in the same order
 * have the same, wherever their order comes from. */
static odeon_status sum_order(const config *c, const data_source *train, uint64_t *out)
{
    int64_t n = data_length(train), *order = mem_zalloc((size_t)n, sizeof *order);
    if (order == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "training: no memory for %" PRId64 " indices", n);
    }
    odeon_status status = data_order(train, c->seed, 1, order);
    *out = checksum_add(CHECKSUM_START, order, (size_t)n * sizeof *order);
    mem_free(order);
    return status;
}

/* The samples that the weights are chosen by are part of what the run was trained with. */
static odeon_status fingerprint_train(const splits *data, int64_t *out)
{
    int64_t apart;
    ODEON_TRY(data_fingerprint(data->train, out));
    if (data->validation == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(data_fingerprint(data->validation, &apart));
    *out ^= (apart & 1) << 62 | apart >> 1; /* turned, so that the two cannot be exchanged */
    return ODEON_OK;
}

/* What the manifest tells and what a resumption compares. The data's fingerprints are over samples
 * in use, so that other files with the same samples are the same data. */
static odeon_status gather_facts(const command_line *a, const setup *s, const splits *data,
                                 manifest_facts *out)
{
    *out = (manifest_facts){.config = s->config,
                            .registry = s->registry,
                            .device_text = session_device_text(s->session),
                            .kernels = session_kernels(s->session),
                            .workers = session_workers(s->session),
                            .argc = a->argc,
                            .argv = (const char *const *)a->argv,
                            .samples = data_length(data->train),
                            .epoch_samples = data_epoch_length(data->train),
                            .test_samples = data_length(data->test),
                            .validation_samples =
                                data->validation != NULL ? data_length(data->validation) : 0};
    ODEON_TRY(fingerprint_train(data, &out->train_data));
    ODEON_TRY(data_fingerprint(data->test, &out->test_data));
    return sum_order(s->config, data->train, &out->order);
}

/* r: of a run that goes on; NULL: it is new. */
static odeon_status train_in(const command_line *a, const setup *s, const splits *data,
                             const manifest_facts *facts, run_dir *dir, const resume *r, outcome *o)
{
    ODEON_TRY(live_page_create(o->where, a->n_plugin_paths, a->plugin_paths, &o->page));
    char *again = resume_command(a, run_dir_path(dir));
    if (again == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "training: no memory");
    }
    train_plan plan = {.train = data->train,
                       .test = data->test,
                       .validation = data->validation,
                       .dir = dir,
                       .from = r != NULL && r->from != NULL ? &r->from->at : NULL,
                       .resume = again,
                       .train_data = facts->train_data,
                       .test_data = facts->test_data,
                       .stage_over = &o->stage_over,
                       .changed = r != NULL && r->changed,
                       .registry = s->registry,
                       .page = o->page,
                       .progress = stdout};
    odeon_status status = train_run(s->session, s->config, &plan, a->out);
    mem_free(again);
    return status;
}

/* What a new run and one that goes on have in common: model, batches that all layers take, samples
 * on the device. Nothing of it touches a run's folder. */
static odeon_status start(const command_line *a, setup *s, const splits *data)
{
    watching w;
    ODEON_TRY(train_audit_check(s->config));
    ODEON_TRY(train_stop_check(s->config, data->validation != NULL));
    ODEON_TRY(setup_session(s));
    ODEON_TRY(session_curves_open(s->session));
    ODEON_TRY(train_check_batches(s->session, s->config, data_epoch_length(data->train)));
    ODEON_TRY(train_phase_check(s->session, s->config, data_epoch_length(data->train)));
    ODEON_TRY(session_place(s->session, data->train));
    ODEON_TRY(session_place(s->session, data->test));
    ODEON_TRY(data->validation != NULL ? session_place(s->session, data->validation) : ODEON_OK);
    odeon_status status = watching_read(a, &w);
    if (status == ODEON_OK) {
        status = setup_observers(s, w.n, (const char *const *)w.list);
    }
    watching_fini(&w);
    ODEON_TRY(status);
    setup_warn(
        s, (notes_use){.data = true, .samples = data_epoch_length(data->train), .trains = true});
    return summary_print(s->out, s->session, s->config->dtype);
}

/* When the folder is closed, so that the page says how the run has ended. After a signal the user
 * does not wait for what the model computes. */
static void draw_last(const command_line *a, odeon_status status, const outcome *o)
{
    enum { WHOLE_SECONDS = 120, AFTER_SIGNAL_SECONDS = 20, MARGIN_SECONDS = 10 };
    bool drawn = false, whole = status != ODEON_ERR_CANCELLED;
    if (o->stage_over) {
        return;
    }
    diag_reason reason = diag_take();
    interrupt_allow(AFTER_SIGNAL_SECONDS + MARGIN_SECONDS);
    if (o->page != NULL) {
        live_page_draw_last(o->page, whole, whole ? WHOLE_SECONDS : AFTER_SIGNAL_SECONDS, &drawn);
    }
    if (drawn) {
        fprintf(a->out, "report in %s/" RUN_FOLDER_PAGE "\n", o->where);
    }
    diag_clear();
    diag_adopt(reason.text);
}

/* ---- a new run ---- */

/* Everything that can be refused is, before the run directory is made. */
static odeon_status train_new(const command_line *a, setup *s, const splits *data, outcome *o)
{
    manifest_facts facts;
    run_dir *dir = NULL;
    ODEON_TRY(start(a, s, data));
    ODEON_TRY(stages_check(a, s));
    ODEON_TRY(gather_facts(a, s, data, &facts));
    ODEON_TRY(run_dir_create(s->config, s->observers, &dir));
    odeon_status status = run_dir_manifest(dir, &facts);
    if (status == ODEON_OK) {
        fprintf(a->out, "results go to %s\n", run_dir_path(dir));
        o->where = mem_strdup(run_dir_path(dir));
        status = train_in(a, s, data, &facts, dir, NULL, o);
    }
    odeon_status closed = run_dir_close(dir);
    draw_last(a, status, o);
    return status != ODEON_OK ? status : closed;
}

/* Whoever names a run's folder most likely means to go on with it. */
static odeon_status refuse_run(const char *path)
{
    return !run_folder_is_run(path)
               ? ODEON_OK
               : diag_fail(
                     ODEON_ERR_CONFIG,
                     "%s: the folder of a run: odeon train %s --resume goes on with it, odeon "
                     "train %s/" RUN_FOLDER_INI " begins it anew elsewhere",
                     path, path, path);
}

/* Data are opened before the model is built, since a missing file is the likelier mistake and the
 * quicker to find. */
static odeon_status run_new(const command_line *a, outcome *o)
{
    setup s = {.registry = NULL};
    splits data = {.train = NULL};
    odeon_status status = refuse_run(a->operands[0]);
    if (status == ODEON_OK) {
        status = setup_open(a, &s);
    }
    if (status == ODEON_OK) {
        status = open_splits(s.config, &data);
    }
    if (status == ODEON_OK) {
        status = train_new(a, &s, &data, o);
    }
    close_splits(&data);
    setup_close(&s);
    return status;
}

/* ---- a run that goes on ---- */

/* The folder is this process's since resume_open; it is changed only when configuration and data
 * are found to be those of the run. */
static odeon_status train_on(const command_line *a, setup *s, const splits *data, resume *r,
                             outcome *o)
{
    manifest_facts facts;
    ODEON_TRY(start(a, s, data));
    ODEON_TRY(gather_facts(a, s, data, &facts));
    ODEON_TRY(resume_restore(a, s, &facts, r));
    int64_t step = r->from != NULL ? r->from->at.step : 0;
    resume_warn(r, &facts);
    ODEON_TRY(run_dir_resumed(r->dir, &facts, step));
    fprintf(a->out, "results go to %s, on from step %" PRId64 "\n", run_dir_path(r->dir), step);
    return train_in(a, s, data, &facts, r->dir, r, o);
}

/* The folder is given back before data and session are taken down: the next process need not wait
 * for that. */
static odeon_status run_resume(const command_line *a, outcome *o)
{
    setup s;
    resume r;
    splits data = {.train = NULL};
    odeon_status status = resume_open(a, &s, &r);
    if (status == ODEON_OK) {
        o->where = mem_strdup(run_dir_path(r.dir));
        status = open_splits(s.config, &data);
    }
    if (status == ODEON_OK) {
        status = train_on(a, &s, &data, &r, o);
    }
    odeon_status closed = resume_close(&r);
    draw_last(a, status, o);
    close_splits(&data);
    setup_close(&s);
    return status != ODEON_OK ? status : closed;
}

/* A phase that sets other keys has come: the run goes on as one that was interrupted there, with a
 * session and data of these keys. */
static odeon_status go_on(const command_line *a, outcome *o)
{
    command_line on = *a;
    char *where = o->where;
    const char *operands[] = {where};
    live_page_destroy(o->page);
    *o = (outcome){.where = NULL};
    on.operands = operands;
    on.n_operands = 1;
    on.value[ARGUMENT_RESUME] = "";
    on.value[ARGUMENT_FROM_START] = on.value[ARGUMENT_ACCEPT_CHANGES] = NULL;
    on.value[ARGUMENT_WEIGHTS] = on.value[ARGUMENT_DTYPE] = NULL; /* effective.ini has them */
    odeon_status status =
        where != NULL ? run_resume(&on, o) : diag_fail(ODEON_ERR_NOMEM, "training: no memory");
    mem_free(where);
    return status;
}

/* --from-start implies a folder, as --resume does: it begins the same run again. */
static odeon_status train_any(const command_line *a, outcome *o)
{
    if (a->value[ARGUMENT_RESUME] != NULL || a->value[ARGUMENT_FROM_START] != NULL) {
        return run_resume(a, o);
    }
    return a->value[ARGUMENT_ACCEPT_CHANGES] == NULL
               ? run_new(a, o)
               : diag_fail(ODEON_ERR_CONFIG,
                           "--accept-changes is for a run that goes on: odeon train DIR --resume "
                           "--accept-changes");
}

/* The folder is given back by now, so that the line says how the run stands. */
static odeon_status run_train(const command_line *a)
{
    outcome o = {.where = NULL};
    odeon_status status = train_any(a, &o);
    while (status == ODEON_OK && o.stage_over) {
        status = go_on(a, &o);
    }
    if (a->value[ARGUMENT_JSON] != NULL) {
        train_line_print(o.where, status, a->out);
    }
    live_page_destroy(o.page);
    mem_free(o.where);
    return status;
}

/* The keys that may change are those of config_changes.c. */
const command command_train = {
    .name = "train",
    .operands = "INI [path.key=value ...]",
    .summary = "train a network and evaluate it",
    .help =
        "Evaluates on the test split after every epoch, or as run.eval_every says, and at the\n"
        "end; with data.validation = 0.1, say, on that share of the training samples instead, "
        "which\n"
        "then chooses the best weights and, with run.stop_patience, the end of the run: the test\n"
        "split is looked at once, after it. Results go to runs/NAME/1, 2, ... or to run.out: "
        "effective.ini, which repeats the\n"
        "run, manifest.json, metrics.csv and metrics.jsonl, weights.safetensors and\n"
        "weights-best.safetensors, checkpoints: at the end of an epoch or after a test when\n"
        "run.checkpoint_seconds have passed since the last, every run.checkpoint_every steps.\n"
        "Ctrl-C, SIGTERM and a lost connection stop after the batch under way and save\n"
        "everything; if that takes more than five seconds, or on a second signal, the program\n"
        "ends and says what is kept.\n"
        "A numerical failure leaves the failing step in failure/ (odeon help replay) and stops,\n"
        "or, with run.on_failure=skip, goes on without it. A device that is lost, or that has no\n"
        "memory left (exit code 7), leaves the newest checkpoint, or one of before the first "
        "step.\n"
        "\n"
        "odeon train DIR --resume [run.epochs=N ...] goes on with the run in DIR, from its\n"
        "newest checkpoint, to the same bits as without the interruption. run.name, run.epochs,\n"
        "run.iterations, run.log_every, run.checkpoint_every, run.checkpoint_seconds,\n"
        "run.on_failure, run.patience, run.observers, run.eval_test, run.stop_patience and\n"
        "run.max_time may change; other keys, in effective.ini\n"
        "too, and the data only with --accept-changes, which\n"
        "names what is another.\n"
        "odeon train DIR --from-start begins the run again with the same configuration; what\n"
        "it had come to is kept in DIR/earlier-1, 2, ...\n"
        "\n"
        "  --report-every TIME draws DIR/report.html anew every 10s, 2m, and at the end; while "
        "the\n"
        "                      run goes on it loads itself again, and has no more than the run's\n"
        "                      rows\n"
        "  --serve [PORT]      serves that page on http://127.0.0.1:PORT (8080; 0: one that is\n"
        "                      free), and nothing else, until the run ends\n"
        "  --plot              draws the loss on the terminal as it falls\n"
        "                      The same as run.observers = report(every=10), serve, terminal,\n"
        "                      beside the run's own\n"
        "  --json              ends standard output with one line of JSON, whatever the run comes\n"
        "                      to: run, name, state (finished, stopped, failed), step, steps,\n"
        "                      seconds, test_loss, the metrics of the last test, evaluations,\n"
        "                      error; so that other programs can drive it\n",
    .options = 1u << ARGUMENT_JSON | 1u << ARGUMENT_RESUME | 1u << ARGUMENT_FROM_START |
               1u << ARGUMENT_ACCEPT_CHANGES | UINT64_C(1) << ARGUMENT_REPORT_EVERY |
               UINT64_C(1) << ARGUMENT_SERVE | UINT64_C(1) << ARGUMENT_PLOT,
    .min_operands = 1,
    .max_operands = (size_t)-1,
    .run = run_train,
};
