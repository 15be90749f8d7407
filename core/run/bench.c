/* What a step costs in operations and bytes is counted once, in a session of its own whose solves
 * are not replayed, for a replay calls no operators; times are taken of a session that nobody
 * watches. Operators are timed one by one within the steps of a watched session, on the tensors and
 * in the order of the model, so that caches are as warm as they are in training. */
#include "run/bench.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "session/describe.h"
#include "session/flow.h"
#include "session/placement.h"
#include "session/run_batch.h"
#include "session/session.h"
#include "session/watch.h"

enum { WARM_CALLS = 2 };

/* A variant at work on one of BENCH_*: its session with the batch. */
typedef struct task {
    const bench_variant *variant;
    int32_t what; /* STEP, EVALUATE or SOLVE; of OPERATORS one of these */
    session *session;
    data_source *source; /* NULL: the model starts from zeros */
    int64_t n, *indices;
    double *zeros, *output, *times; /* of a solve */
    session_result result;
    session_watch *watch; /* NULL: not watched */
    size_t n_samples;
    double *samples;
} task;

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "bench: no memory");
}

/* ---- a task ---- */

static void close_task(task *t)
{
    session_watch_destroy(t->watch);
    session_destroy(t->session);
    data_close(t->source);
    mem_free(t->indices);
    mem_free(t->zeros);
    mem_free(t->output);
    mem_free(t->times);
    mem_free(t->samples);
    *t = (task){.n = 0};
}

/* The first samples of the split, as many as a batch has. */
static odeon_status take_batch(task *t)
{
    const config *c = t->variant->config;
    bool train = t->what == BENCH_STEP;
    t->n = 1;
    if (c->dataset != NULL) {
        ODEON_TRY(data_open(c, train ? ODEON_SPLIT_TRAIN : ODEON_SPLIT_TEST, &t->source));
        int64_t batch = train ? c->batch : c->test_batch, all = data_length(t->source);
        t->n = batch < all ? batch : all;
    }
    t->indices = mem_zalloc((size_t)t->n, sizeof *t->indices);
    for (int64_t i = 0; i < t->n && t->indices != NULL; i++) {
        t->indices[i] = i;
    }
    return t->indices != NULL ? ODEON_OK : no_memory();
}

static odeon_status check_split(const task *t)
{
    return t->n > 0 ? ODEON_OK
                    : diag_fail(ODEON_ERR_DATA, "bench: the %s split has no samples",
                                t->what == BENCH_STEP ? "train" : "test");
}

/* Where a solve's states go, and, without a data set, one sample of zeros to start from. */
static odeon_status make_room(task *t)
{
    session_flow flow;
    odeon_shape input = session_input(t->session);
    ODEON_TRY(session_flow_of(t->session, &flow));
    int64_t times = t->n * flow.n_times, values;
    if (!checked_mul(times, flow.size, &values)) {
        return no_memory();
    }
    t->output = mem_zalloc((size_t)values, sizeof *t->output);
    t->times = mem_zalloc((size_t)times, sizeof *t->times);
    t->zeros = mem_zalloc((size_t)odeon_count(&input), sizeof *t->zeros);
    return t->output != NULL && t->times != NULL && t->zeros != NULL ? ODEON_OK : no_memory();
}

static odeon_status build(task *t)
{
    const bench_variant *v = t->variant;
    odeon_status (*create)(registry *, const config *, const data_fields *, int64_t, session **) =
        t->what == BENCH_SOLVE ? session_create_flow : session_create;
    ODEON_TRY(create(v->registry, v->config, v->fields, t->n, &t->session));
    ODEON_TRY(t->what == BENCH_SOLVE ? make_room(t) : ODEON_OK);
    return t->source != NULL ? session_place(t->session, t->source) : ODEON_OK;
}

static odeon_status check_config(const bench_variant *v, int32_t what)
{
    bool trains = v->config->dataset != NULL && v->config->n_losses > 0;
    return trains || what == BENCH_SOLVE
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "bench: %s: without [data] and [train] a model can be solved only "
                           "(--what solve)",
                           bench_names[what]);
}

/* t starts as {0} and is for close_task whatever the answer. */
static odeon_status open_task(task *t, const bench_variant *v, int32_t what, bool watched)
{
    bool capture = v->config->capture;
    *t = (task){.variant = v, .what = what};
    ODEON_TRY(check_config(v, what));
    ODEON_TRY(take_batch(t));
    ODEON_TRY(check_split(t));
    v->config->capture = capture && !watched;
    odeon_status status = build(t);
    v->config->capture = capture;
    ODEON_TRY(status);
    return watched ? session_watch_create(t->session, &t->watch) : ODEON_OK;
}

/* The same work every time: the batch, its random numbers, and the parameters, which a learning
 * rate of 0 leaves as they are. */
static odeon_status run_once(task *t)
{
    if (t->what == BENCH_SOLVE) {
        session_samples samples = {.n = t->n, .source = t->source, .indices = t->indices};
        samples.given[ODEON_ROLE_INPUT] = t->source == NULL ? t->zeros : NULL;
        return session_solve(t->session, &samples, t->output, t->times, &t->result);
    }
    session_expect(t->session, t->source, t->n, t->indices);
    return t->what == BENCH_STEP
               ? session_train(t->session, t->source, t->n, t->indices, 1, 1, 0.0, &t->result)
               : session_evaluate(t->session, t->source, t->n, t->indices, &t->result);
}

static odeon_status warm(task *t)
{
    for (int i = 0; i < WARM_CALLS; i++) {
        ODEON_TRY(run_once(t));
    }
    return ODEON_OK;
}

static odeon_status run_watched(task *t, bool timed)
{
    for (int32_t i = 0; i < session_workers(t->session); i++) {
        watch_log_clear(session_watch_log(t->watch, i));
    }
    ODEON_TRY(session_watch_on(t->watch, timed));
    odeon_status status = run_once(t);
    odeon_status off = session_watch_off(t->watch);
    return status != ODEON_OK ? status : off;
}

/* ---- counts ---- */

static void add_counts(task *t, bench_row *row)
{
    for (int32_t i = 0; i < session_workers(t->session); i++) {
        const watch_log *log = session_watch_log(t->watch, i);
        for (size_t k = 0; k < log->n; k++) {
            row->calls += log->calls[k].calls;
            row->operations += log->calls[k].operations;
            row->bytes += log->calls[k].bytes;
        }
    }
    for (size_t i = 0; i < t->result.n_blocks; i++) {
        row->evals_forward += t->result.blocks[i].evals_forward;
        row->evals_backward += t->what == BENCH_STEP ? t->result.blocks[i].evals_backward : 0;
    }
}

static odeon_status count_work(const bench_variant *v, bench_row *row)
{
    task t;
    odeon_status status = open_task(&t, v, row->what, true);
    if (status == ODEON_OK) {
        status = warm(&t);
    }
    if (status == ODEON_OK) {
        status = run_watched(&t, false);
    }
    if (status == ODEON_OK) {
        add_counts(&t, row);
    }
    close_task(&t);
    return status;
}

/* ---- what a variant is ---- */

static odeon_status describe_side(const task *t, int32_t what, bench_side *side)
{
    side->workers = session_workers(t->session);
    side->batch[what] = t->n;
    if (side->device == NULL) {
        side->device = mem_strdup(session_device_text(t->session));
    }
    return side->device != NULL ? ODEON_OK : no_memory();
}

static odeon_status measure_peaks(task *tasks, bench_result *out)
{
    for (size_t i = 0; i < out->n_sides; i++) {
        ODEON_TRY(session_measure_peak(tasks[i].session, &out->sides[i].peak));
    }
    return ODEON_OK;
}

/* ---- interleaved times ---- */

typedef odeon_status (*take_sample)(task *t, void *context);

/* A sample of each variant in turn, until the time is up and there are enough. */
static odeon_status take_turns(const bench_plan *plan, task *tasks, take_sample take, void *context)
{
    double begin = clock_seconds(), budget = plan->seconds * (double)plan->n_variants;
    for (int32_t round = 0;
         round < BENCH_MOST_SAMPLES && (round < plan->least || clock_seconds() - begin < budget);
         round++) {
        for (size_t i = 0; i < plan->n_variants; i++) {
            ODEON_TRY(take(&tasks[i], context));
        }
    }
    return ODEON_OK;
}

/* Very short calls are repeated within a sample, lest the clock be measured. */
static odeon_status take_whole(task *t, void *context)
{
    double begin = clock_seconds(), took;
    int64_t calls = 0;
    (void)context;
    do {
        ODEON_TRY(run_once(t));
        calls++;
        took = clock_seconds() - begin;
    } while (took < 1e-3);
    t->samples[t->n_samples++] = took / (double)calls;
    return ODEON_OK;
}

/* Peaks before and after the times, since a machine's speed may change meanwhile: the best counts.
 * Where no time is given, little passes, and once is enough. */
static odeon_status take_turns_at_best(const bench_plan *plan, task *tasks, take_sample take,
                                       void *context, bench_result *out)
{
    ODEON_TRY(measure_peaks(tasks, out));
    ODEON_TRY(take_turns(plan, tasks, take, context));
    return plan->seconds > 0.0 ? measure_peaks(tasks, out) : ODEON_OK;
}

static odeon_status open_all(const bench_plan *plan, int32_t what, bool watched, task *tasks)
{
    for (size_t i = 0; i < plan->n_variants; i++) {
        ODEON_TRY(open_task(&tasks[i], &plan->variants[i], what, watched));
        tasks[i].samples = mem_zalloc(BENCH_MOST_SAMPLES, sizeof *tasks[i].samples);
        ODEON_TRY(tasks[i].samples != NULL ? ODEON_OK : no_memory());
        ODEON_TRY(warm(&tasks[i]));
    }
    return ODEON_OK;
}

static odeon_status time_whole(const bench_plan *plan, int32_t what, task *tasks, bench_result *out)
{
    ODEON_TRY(open_all(plan, what, false, tasks));
    ODEON_TRY(take_turns_at_best(plan, tasks, take_whole, NULL, out));
    for (size_t i = 0; i < plan->n_variants; i++) {
        ODEON_TRY(describe_side(&tasks[i], what, &out->sides[i]));
    }
    return ODEON_OK;
}

/* Counts come first, and their sessions are gone before those that are timed are made. */
static odeon_status bench_whole(const bench_plan *plan, int32_t what, task *tasks,
                                bench_result *out)
{
    bench_row *rows = mem_zalloc(plan->n_variants, sizeof *rows);
    odeon_status status = rows != NULL ? ODEON_OK : no_memory();
    for (size_t i = 0; i < plan->n_variants && status == ODEON_OK; i++) {
        rows[i] = (bench_row){.what = what, .variant = i};
        status = count_work(&plan->variants[i], &rows[i]);
    }
    if (status == ODEON_OK) {
        status = time_whole(plan, what, tasks, out);
    }
    for (size_t i = 0; i < plan->n_variants && status == ODEON_OK; i++) {
        status = bench_add(out, &rows[i], tasks[i].n_samples, tasks[i].samples);
    }
    mem_free(rows);
    return status;
}

/* ---- operators ---- */

/* The times of one operator, one a round. */
typedef struct times {
    size_t n;
    double *seconds;
} times;

/* Of one variant, by the number of the call in the first worker's log. */
typedef struct operator_times {
    task *task;
    size_t n;
    times *of;
} operator_times;

static odeon_status note_round(operator_times *o, const watch_log *log)
{
    for (size_t k = 0; k < log->n; k++) {
        if (k == o->n) {
            times *grown = mem_grow(o->of, o->n, sizeof *grown);
            if (grown == NULL) {
                return no_memory();
            }
            o->of = grown;
            o->of[o->n++] = (times){.n = 0};
        }
        if (log->calls[k].calls > 0) {
            times *t = &o->of[k];
            double *grown = mem_grow(t->seconds, t->n, sizeof *grown);
            if (grown == NULL) {
                return no_memory();
            }
            t->seconds = grown;
            t->seconds[t->n++] = log->calls[k].seconds;
        }
    }
    return ODEON_OK;
}

static odeon_status take_operators(task *t, void *context)
{
    operator_times *o = context;
    while (o->task != t) {
        o++;
    }
    ODEON_TRY(run_watched(t, true));
    return note_round(o, session_watch_log(t->watch, 0));
}

/* The last round's counts are those of every round. */
static odeon_status add_operators(const bench_plan *plan, const operator_times *o, size_t variant,
                                  bench_result *out)
{
    const watch_log *log = session_watch_log(o->task->watch, 0);
    for (size_t k = 0; k < log->n && k < o->n; k++) {
        const watched_call *c = &log->calls[k];
        bool wanted = plan->only == NULL || strcmp(plan->only, c->op->name) == 0;
        if (wanted && c->calls > 0) {
            bench_row row = {.what = BENCH_OPERATORS,
                             .variant = variant,
                             .name = c->text,
                             .calls = c->calls,
                             .operations = c->operations,
                             .bytes = c->bytes};
            ODEON_TRY(bench_add(out, &row, o->of[k].n, o->of[k].seconds));
        }
    }
    return ODEON_OK;
}

static odeon_status time_operators(const bench_plan *plan, task *tasks, operator_times *times_of,
                                   bench_result *out)
{
    const config *c = plan->variants[0].config;
    bool trains = c->dataset != NULL && c->n_losses > 0;
    ODEON_TRY(open_all(plan, trains ? BENCH_STEP : BENCH_SOLVE, true, tasks));
    ODEON_TRY(take_turns_at_best(plan, tasks, take_operators, times_of, out));
    for (size_t i = 0; i < plan->n_variants; i++) {
        ODEON_TRY(describe_side(&tasks[i], BENCH_OPERATORS, &out->sides[i]));
        ODEON_TRY(add_operators(plan, &times_of[i], i, out));
    }
    return ODEON_OK;
}

static odeon_status bench_operators(const bench_plan *plan, task *tasks, bench_result *out)
{
    operator_times *all = mem_zalloc(plan->n_variants, sizeof *all);
    if (all == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < plan->n_variants; i++) {
        all[i].task = &tasks[i];
    }
    odeon_status status = time_operators(plan, tasks, all, out);
    for (size_t i = 0; i < plan->n_variants; i++) {
        for (size_t k = 0; k < all[i].n; k++) {
            mem_free(all[i].of[k].seconds);
        }
        mem_free(all[i].of);
    }
    mem_free(all);
    return status;
}

/* ---- all ---- */

static odeon_status bench_one(const bench_plan *plan, int32_t what, bench_result *out)
{
    task *tasks = mem_zalloc(plan->n_variants, sizeof *tasks);
    if (tasks == NULL) {
        return no_memory();
    }
    odeon_status status = what == BENCH_OPERATORS ? bench_operators(plan, tasks, out)
                                                  : bench_whole(plan, what, tasks, out);
    for (size_t i = 0; i < plan->n_variants; i++) {
        close_task(&tasks[i]);
    }
    mem_free(tasks);
    return status;
}

odeon_status bench_run(const bench_plan *plan, bench_result *out)
{
    ODEON_TRY(bench_result_init(out, plan->n_variants));
    for (int32_t what = 0; what < BENCH_WHATS; what++) {
        if ((plan->what & 1u << what) != 0) {
            ODEON_TRY(bench_one(plan, what, out));
        }
    }
    bench_order(out);
    return ODEON_OK;
}
