/* Times five models on a device: bench_models --device EXPRESSION --data FOLDER --out FOLDER [...].
 * For every case a line for the solve alone, one for a step of training, and one for the field's
 * part in each goes to standard output, tab-separated as tests/gpu/README.md has it. FOLDER of
 * --out gets what another system needs to do the same: CASE-weights.safetensors,
 * CASE-solve.safetensors (y0, y1) and CASE-train.safetensors (x, y: labels, loss); of a test, where
 * that is asked for, CASE-test.safetensors as the last. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/rng.h"
#include "bench_cases.h"
#include "bench_field.h"
#include "bench_serve.h"
#include "bench_timer.h"
#include "config/config_load.h"
#include "device/worker_group.h"
#include "format/safetensors.h"
#include "format/safetensors_write.h"
#include "ode/ode.h"
#include "ode/outputs.h"
#include "plugin/registry.h"
#include "run/evaluate.h"
#include "session/describe.h"
#include "session/jobs.h"
#include "session/members.h"
#include "session/run_batch.h"
#include "session/services.h"
#include "session/session.h"
#include "session/slice.h"
#include "session/weights.h"

enum { MAX_OVERRIDES = 64, TEXT_BYTES = 2048 };

typedef struct settings {
    const char *device, *data, *fashion, *out, *cases, *system, *plugins, *root;
    bool serve;            /* samples are taken when the caller says so */
    bool untimed;          /* only files are wanted */
    bool evaluation;       /* only an evaluation of the field is measured */
    bool quick;            /* by few calls: counts are right, times mean nothing */
    double seconds, began; /* of one measurement; when the program was started, since 1970 */
    int64_t batch;         /* in place of the cases'; 0: theirs */
    int32_t least;
    size_t n_overrides;
    const char *overrides[MAX_OVERRIDES];
} settings;

/* A configured session with what it was made of. */
typedef struct scene {
    const settings *settings;
    const bench_case *c;
    int64_t n; /* samples of a batch */
    registry *plugins;
    config *config;
    data_fields fields;
    session *session;
    data_source *source;
    int64_t *indices, step;
    session_result result;
    int64_t evals_forward, evals_backward; /* of a test */
    odeon_shape state;                     /* of the solve alone */
    device_buffer y0, y1;
} scene;

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "bench: no memory");
}

/* ---- a session of a case ---- */

typedef struct override_list {
    size_t n;
    const char *text[MAX_OVERRIDES + 3 * BENCH_MAX_OVERRIDES];
} override_list;

static void add_all(override_list *list, const char *const *more)
{
    while (*more != NULL) {
        list->text[list->n++] = *more++;
    }
}

/* Those of all cases, and those of this one: "e:path.key=value". */
static void add_overrides(const scene *s, override_list *list)
{
    for (size_t i = 0; i < s->settings->n_overrides; i++) {
        const char *text = s->settings->overrides[i];
        bool of_one = text[0] != '\0' && text[1] == ':';
        if (!of_one || text[0] == s->c->name[0]) {
            list->text[list->n++] = of_one ? text + 2 : text;
        }
    }
}

static odeon_status load_config(scene *s, const char *const *own, const char *weights)
{
    const settings *set = s->settings;
    override_list list = {.n = 0};
    char *ini = mem_printf("%s/%s", set->root, s->c->ini);
    char *device = mem_printf("run.device=%s", set->device);
    char *path = mem_printf("data.path=%s", s->c->name[0] == 'b' ? set->fashion : set->data);
    char *from = mem_printf("train.weights=%s", weights != NULL ? weights : "");
    add_all(&list, s->c->both);
    add_all(&list, own);
    add_all(&list, (const char *[]){device, "run.workers=1", "run.dtype=float32", NULL});
    if (!s->c->own_data) {
        list.text[list.n++] = path;
    }
    add_overrides(s, &list);
    if (weights != NULL) {
        list.text[list.n++] = from;
    }
    odeon_status status = ini == NULL || device == NULL || path == NULL || from == NULL
                              ? no_memory()
                              : config_load(s->plugins, ini, list.n, list.text, &s->config);
    mem_free(ini);
    mem_free(device);
    mem_free(path);
    mem_free(from);
    return status;
}

static odeon_status open_scene(scene *s, const settings *set, const bench_case *c)
{
    *s = (scene){.settings = set, .c = c, .n = set->batch > 0 ? set->batch : c->batch};
    ODEON_TRY(registry_create(set->plugins != NULL ? 1 : 0, &set->plugins, &s->plugins));
    registry_offer(s->plugins, session_services);
    return ODEON_OK;
}

static void close_scene(scene *s)
{
    if (s->session != NULL) {
        buffer_release(s->session->model.device, &s->y0);
        buffer_release(s->session->model.device, &s->y1);
    }
    session_destroy(s->session);
    data_close(s->source);
    mem_free(s->indices);
    config_destroy(s->config);
    registry_destroy(s->plugins);
}

/* ---- files for the other systems ---- */

static safetensors_entry entry(const char *name, const odeon_shape *shape, const void *data)
{
    safetensors_entry e = {.name = name, .dtype = shape->dtype, .ndim = shape->ndim, .data = data};
    memcpy(e.dim, shape->dim, sizeof e.dim);
    e.bytes = (uint64_t)odeon_bytes(shape);
    return e;
}

static odeon_status write_file(const scene *s, const char *what, size_t n,
                               const safetensors_entry *entries)
{
    char *path = mem_printf("%s/%s-%s.safetensors", s->settings->out, s->c->name, what);
    odeon_status status = path != NULL ? safetensors_write(path, n, entries, 0, NULL) : no_memory();
    mem_free(path);
    return status;
}

/* ---- lines ---- */

static void print_line(const scene *s, const char *what, const bench_time *t, int64_t forward,
                       int64_t backward)
{
    (void)printf(
        "time\t%s\t%s\t%s\t%lld\t%.3f\t%.3f\t%.3f\t%d\t%lld\t%lld\t%lld\t%.9g\t-\t%lld\t%lld"
        "\t%lld\n",
        s->settings->system, s->c->name, what, (long long)s->n, 1e6 * t->median, 1e6 * t->low,
        1e6 * t->high, (int)t->samples, (long long)t->calls, (long long)forward,
        (long long)backward, s->result.loss, (long long)t->launches, (long long)t->waits,
        (long long)t->allocs);
    (void)fflush(stdout);
}

/* A line of calls that went through the block. */
static void print_solves(const scene *s, const char *what, const bench_time *t)
{
    const ode_counters *b = &s->session->workers[0].site.odes[0]->counters;
    print_line(s, what, t, b->evals_forward, b->evals_backward);
}

static odeon_status measure(scene *s, odeon_status (*run)(void *context), bench_time *out)
{
    bench_call call = {.run = run,
                       .context = s,
                       .device = s->session->model.device,
                       .queue = s->session->workers[0].site.lane.queue,
                       .quick = s->settings->quick};
    const ode_counters *b = &s->session->workers[0].site.odes[0]->counters;
    *out = (bench_time){.calls = 1};
    if (s->settings->untimed) {
        return run(s);
    }
    return s->settings->serve
               ? bench_serve_samples(&call, s->n, &b->evals_forward, &b->evals_backward)
               : bench_measure(&call, s->settings->seconds, s->settings->least, out);
}

/* One evaluation of the field in the session as it stands, or the vjp behind one. */
static odeon_status time_field(scene *s, bool with_vjp)
{
    const bench_field b = {.session = s->session,
                           .with_vjp = with_vjp,
                           .seconds = 0.3 * s->settings->seconds,
                           .least = s->settings->least,
                           .quick = s->settings->quick};
    bench_time t;
    ODEON_TRY(bench_field_measure(&b, &t));
    s->result.loss = (double)NAN;
    print_line(s, with_vjp ? "vjp" : "field", &t, 1, 0);
    return ODEON_OK;
}

/* ---- a step of training ---- */

static odeon_status train_once(void *context)
{
    scene *s = context;
    return session_train(s->session, s->source, s->n, s->indices, 1, ++s->step, 1.0, &s->result);
}

/* One field of the batch as numbers: a class as int64, else float32; times as float64. */
static odeon_status field_entry(const scene *s, int32_t role, const char *name, const void *stored,
                                safetensors_entry *out)
{
    const odeon_field_info *of = &s->fields.of[role];
    bool class = of->classes > 0;
    uint32_t dtype = class                     ? ODEON_DTYPE_I64
                     : role == ODEON_ROLE_TIME ? ODEON_DTYPE_F64
                                               : ODEON_DTYPE_F32;
    odeon_shape shape = data_field_shape(&s->fields, role, s->n, dtype);
    int64_t count = odeon_count(&shape);
    double *wide = mem_zalloc((size_t)count, sizeof *wide);
    void *numbers = mem_zalloc((size_t)count, (size_t)odeon_dtype_bytes(dtype));
    if (wide != NULL && numbers != NULL) {
        data_field_values(of, s->n, stored, wide);
    }
    for (int64_t i = 0; i < count && wide != NULL && numbers != NULL; i++) {
        if (class) {
            ((int64_t *)numbers)[i] = (int64_t)wide[i];
        } else if (dtype == ODEON_DTYPE_F64) {
            ((double *)numbers)[i] = wide[i];
        } else {
            ((float *)numbers)[i] = (float)wide[i];
        }
    }
    *out = entry(name, &shape, numbers); /* which is the caller's to free */
    bool made = wide != NULL && numbers != NULL;
    mem_free(wide);
    return made ? ODEON_OK : no_memory();
}

/* The batch as numbers, before the layers of [data.*], and its loss. */
static odeon_status write_fields(const scene *s, const char *what, void *const *stored)
{
    static const char *const names[] = {"x", "y", "t"};
    odeon_shape one = {.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}};
    safetensors_entry entries[4];
    size_t n = 0;
    odeon_status status = ODEON_OK;
    for (int32_t role = 0; role <= ODEON_ROLE_TIME && status == ODEON_OK; role++) {
        if (data_has(&s->fields, role)) {
            status = field_entry(s, role, names[role], stored[role], &entries[n++]);
        }
    }
    entries[n] = entry("loss", &one, &s->result.loss);
    if (status == ODEON_OK) {
        status = write_file(s, what, n + 1, entries);
    }
    for (size_t i = 0; i < n; i++) {
        void *numbers;
        memcpy(&numbers, &entries[i].data, sizeof numbers);
        mem_free(numbers);
    }
    return status;
}

static odeon_status write_batch(const scene *s, const char *what)
{
    void *stored[DATA_ROLES] = {NULL};
    odeon_status status = ODEON_OK;
    for (int32_t role = 0; role < DATA_ROLES && status == ODEON_OK; role++) {
        if (data_has(&s->fields, role)) {
            stored[role] = mem_zalloc((size_t)s->n, (size_t)data_field_bytes(&s->fields, role));
            status = stored[role] != NULL ? ODEON_OK : no_memory();
        }
    }
    if (status == ODEON_OK) {
        status = data_batch(s->source, s->n, s->indices, stored);
    }
    if (status == ODEON_OK) {
        status = write_fields(s, what, stored);
    }
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        mem_free(stored[role]);
    }
    return status;
}

/* A session for batches of s->n samples of a split; weights NULL: initial ones. */
static odeon_status open_split(scene *s, int32_t split, const char *weights)
{
    ODEON_TRY(load_config(s, s->c->train, weights));
    ODEON_TRY(data_describe(s->config, &s->fields));
    ODEON_TRY(session_create(s->plugins, s->config, &s->fields, s->n, &s->session));
    return data_open(s->config, split, &s->source);
}

/* What is timed are the first n samples of the split. */
static odeon_status take_samples(scene *s, int64_t n)
{
    s->n = n;
    s->indices = mem_zalloc((size_t)n, sizeof *s->indices);
    for (int64_t i = 0; i < n && s->indices != NULL; i++) {
        s->indices[i] = i;
    }
    return s->indices != NULL ? ODEON_OK : no_memory();
}

static odeon_status open_training(scene *s, char *weights)
{
    ODEON_TRY(open_split(s, ODEON_SPLIT_TRAIN, NULL));
    if (data_length(s->source) < s->n) {
        return diag_fail(ODEON_ERR_DATA, "bench: %lld images, a batch has %lld",
                         (long long)data_length(s->source), (long long)s->n);
    }
    ODEON_TRY(take_samples(s, s->n));
    return session_save(s->session, weights);
}

static void print_start(const settings *set)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    double took = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec - set->began;
    (void)printf("start\t%s\t%.4f\n", set->system, took);
}

static void print_device(const scene *s)
{
    (void)printf("fact\t%s\t%s\n", s->settings->system, session_device_text(s->session));
}

static odeon_status time_training(scene *s, char *weights, bool first)
{
    bench_time t;
    ODEON_TRY(open_training(s, weights));
    ODEON_TRY(train_once(s));
    if (first && s->settings->began > 0.0) {
        print_start(s->settings);
    }
    if (first) {
        print_device(s);
    }
    ODEON_TRY(write_batch(s, "train"));
    double loss = s->result.loss;
    ODEON_TRY(measure(s, train_once, &t));
    if (s->settings->serve || s->settings->untimed) {
        return ODEON_OK;
    }
    s->result.loss = loss; /* of the first step: that of the weights in the file */
    print_solves(s, "train", &t);
    return time_field(s, true);
}

/* ---- a test ---- */

static int64_t batch_of(const scene *s)
{
    return s->settings->batch > 0 ? s->settings->batch : s->c->batch;
}

/* A whole split in batches, as a run's tests and odeon eval go through it; evaluations are those of
 * all batches. */
static odeon_status test_once(void *context)
{
    scene *s = context;
    session_result all = {.loss = 0.0};
    progress *shown;
    ODEON_TRY(progress_create(stderr, 1, 1, &shown));
    odeon_status status = evaluate_split(s->session, s->source, batch_of(s), shown, &all);
    progress_destroy(shown);
    s->result.loss = all.loss;
    s->evals_forward = all.n_blocks > 0 ? all.blocks[0].evals_forward : 0;
    session_result_fini(&all);
    return status;
}

static odeon_status time_test(scene *s, const char *weights)
{
    ODEON_TRY(open_split(s, ODEON_SPLIT_TEST, weights));
    ODEON_TRY(take_samples(s, data_length(s->source)));
    bench_call call = {.run = test_once,
                       .context = s,
                       .device = s->session->model.device,
                       .queue = s->session->workers[0].site.lane.queue};
    if (!s->settings->untimed) {
        return bench_serve_samples(&call, s->n, &s->evals_forward, &s->evals_backward);
    }
    ODEON_TRY(test_once(s));
    return write_batch(s, "test");
}

/* ---- the solve alone ---- */

/* The slice of y0, y1 that a worker has. */
static void take_slice(const scene *s, const worker *w, int64_t *first, odeon_tensor *y0,
                       odeon_tensor *y1)
{
    odeon_shape shape = s->state;
    *first = worker_slice(w, s->n, &shape.dim[0]);
    int64_t offset = *first * (odeon_bytes(&s->state) / s->n);
    *y0 = odeon_tensor_at(s->y0.data + offset, shape);
    *y1 = odeon_tensor_at(s->y1.data + offset, shape);
}

static odeon_status solve_slice(const scene *s, worker *w)
{
    int64_t first;
    odeon_ode *ode = w->site.odes[0];
    const ode_outputs *o = &ode->outputs;
    odeon_tensor y0, y1;
    take_slice(s, w, &first, &y0, &y1);
    solver_forget(ode->forward);
    ODEON_TRY(ode_take_start(ode, &y0.view, &y1));
    const odeon_gradient_solve solve = {.struct_size = sizeof solve,
                                        .field = &ode->field.host.abi,
                                        .times = o->times,
                                        .n_times = o->n_times,
                                        .y = o->y};
    return ode->services.solve(ode, &solve);
}

/* Through the network once, so that the block is fitted to the batch. */
static odeon_status fit_slice(const scene *s, worker *w)
{
    const net_plan *plan;
    odeon_tensor y0, y1;
    odeon_layer_call call = worker_call(w, 0);
    take_slice(s, w, &call.first_sample, &y0, &y1);
    call.n_global = s->n;
    ODEON_TRY(net_plan_for(w->net, y0.view.shape.dim[0], 0, &plan));
    return net_forward(plan, &call, odeon_read(&y0.view), odeon_write(&y1), NULL);
}

typedef struct part_job {
    const scene *s;
    odeon_status (*run)(const scene *s, worker *w);
} part_job;

static void run_part(void *context, int32_t rank)
{
    const part_job *job = context;
    worker *w = &job->s->session->workers[rank];
    diag_clear();
    worker_group_resolve(&w->group);
    w->status = job->run(job->s, w);
    if (w->status == ODEON_OK && rank > 0) { /* the first one's queue is the timer's to wait for */
        w->status = job->s->session->model.device->ops->wait(w->site.lane.queue);
    }
    w->status = worker_group_share(&w->group, w->status);
    (void)snprintf(w->message, sizeof w->message, "%s", diag_message());
}

/* Error norms are taken over all workers, so that all of them have to solve. */
static odeon_status solve_once(void *context)
{
    part_job job = {.s = context, .run = solve_slice};
    return session_run_job(job.s->session, run_part, &job);
}

static odeon_status write_solve(scene *s, const float *y0, float *y1)
{
    const odeon_device_ops *ops = s->session->model.device->ops;
    odeon_queue *queue = s->session->workers[0].site.lane.queue;
    ODEON_TRY(ops->download(queue, y1, s->y1.data, (uint64_t)odeon_bytes(&s->state)));
    const safetensors_entry entries[] = {entry("y0", &s->state, y0), entry("y1", &s->state, y1)};
    return write_file(s, "solve", sizeof entries / sizeof *entries, entries);
}

/* Goes through the network once, so that the block is fitted to the batch, then repeats its solve.
 */
static odeon_status run_solves(scene *s, float *host)
{
    const worker *w = &s->session->workers[0];
    part_job fit = {.s = s, .run = fit_slice};
    int64_t count = odeon_count(&s->state);
    uint64_t bytes = (uint64_t)count * sizeof *host;
    bench_time t;
    ODEON_TRY(buffer_fit(s->session->model.device, &s->y0, (int64_t)bytes + 64));
    ODEON_TRY(buffer_fit(s->session->model.device, &s->y1, (int64_t)bytes + 64));
    ODEON_TRY(s->session->model.device->ops->upload(w->site.lane.queue, s->y0.data, host, bytes));
    ODEON_TRY(session_run_job(s->session, run_part, &fit));
    if (s->settings->evaluation) {
        return time_field(s, false);
    }
    ODEON_TRY(measure(s, solve_once, &t));
    if (s->settings->untimed) {
        return write_solve(s, host, host + count);
    }
    if (s->settings->serve) {
        return ODEON_OK;
    }
    s->result.loss = (double)NAN;
    print_solves(s, "forward", &t);
    ODEON_TRY(write_solve(s, host, host + count));
    return time_field(s, false);
}

static odeon_status time_solve(scene *s, const char *weights)
{
    odeon_field_info *input = &s->fields.of[ODEON_ROLE_INPUT];
    ODEON_TRY(load_config(s, s->c->solve, weights));
    ODEON_TRY(data_describe(s->config, &s->fields));
    input->ndim = s->c->state_ndim; /* in place of images the state comes in */
    memcpy(input->dim, s->c->state, sizeof s->c->state);
    s->state = data_field_shape(&s->fields, ODEON_ROLE_INPUT, s->n, ODEON_DTYPE_F32);
    ODEON_TRY(session_create_flow(s->plugins, s->config, &s->fields, s->n, &s->session));
    int64_t count = odeon_count(&s->state);
    float *host = mem_zalloc((size_t)count, 2 * sizeof *host);
    for (int64_t i = 0; i < count && host != NULL; i++) {
        host[i] = (float)rng_uniform(rng_key(1, "bench", 0, 0), (uint64_t)i);
    }
    odeon_status status = host != NULL ? run_solves(s, host) : no_memory();
    mem_free(host);
    return status;
}

/* ---- all of it ---- */

/* Both parts, or one: "train", "forward" or "test", which is never but by itself. */
static odeon_status bench(const settings *set, const bench_case *c, bool first, const char *only)
{
    scene s;
    char *weights = mem_printf("%s/%s-weights.safetensors", set->out, c->name);
    odeon_status status = weights != NULL ? ODEON_OK : no_memory();
    bool trains = !set->evaluation && (only == NULL || strcmp(only, "train") == 0);
    if (status == ODEON_OK && trains) {
        status = open_scene(&s, set, c);
        status = status == ODEON_OK ? time_training(&s, weights, first) : status;
        close_scene(&s);
    }
    if (status == ODEON_OK && c->state_ndim > 0 && (only == NULL || strcmp(only, "forward") == 0)) {
        status = open_scene(&s, set, c);
        status = status == ODEON_OK ? time_solve(&s, set->evaluation ? NULL : weights) : status;
        close_scene(&s);
    }
    if (status == ODEON_OK && only != NULL && strcmp(only, "test") == 0) {
        status = open_scene(&s, set, c);
        status = status == ODEON_OK ? time_test(&s, weights) : status;
        close_scene(&s);
    }
    mem_free(weights);
    return status;
}

/* Commands of standard input (bench_serve.h): "files" leaves what peers need, "test-files" the
 * samples of a test. */
static int serve(const settings *set)
{
    bench_command c;
    while (bench_serve_next(&c)) {
        settings once = *set;
        const bench_case *of = NULL;
        for (size_t i = 0; i < BENCH_CASES; i++) {
            of = bench_cases[i].name[0] == c.name ? &bench_cases[i] : of;
        }
        diag_clear();
        if (of == NULL) {
            (void)printf("failed\tno such case\n");
        } else {
            bool files = strcmp(c.what, "files") == 0, samples = strcmp(c.what, "test-files") == 0;
            const char *only = files ? NULL : samples ? "test" : c.what;
            once.untimed = files || samples;
            once.serve = !once.untimed;
            odeon_status status = bench(&once, of, files, only);
            (void)printf(status == ODEON_OK ? "done\n" : "failed\t%s\n", diag_message());
        }
        (void)fflush(stdout);
    }
    return 0;
}

static const char *const usage =
    "bench_models --device EXPRESSION --data FOLDER --out FOLDER [--fashion FOLDER] [--cases "
    "abcde]\n"
    "  [--system NAME] [--batch N] [--seconds N] [--least N] [--began SECONDS] [--plugins FOLDER]\n"
    "  [--root FOLDER] [--serve yes] [--evaluation yes] [--quick yes] [[CASE:]path.key=value "
    "...]\n";

static bool take_option(settings *set, const char *name, const char *value)
{
    struct {
        const char *name, **text;
    } const texts[] = {{"--device", &set->device},   {"--data", &set->data},
                       {"--fashion", &set->fashion}, {"--out", &set->out},
                       {"--cases", &set->cases},     {"--system", &set->system},
                       {"--plugins", &set->plugins}, {"--root", &set->root}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].text = value;
            return true;
        }
    }
    double number = strtod(value, NULL);
    if (strcmp(name, "--batch") == 0) {
        set->batch = (int64_t)number;
    } else if (strcmp(name, "--seconds") == 0) {
        set->seconds = number;
    } else if (strcmp(name, "--least") == 0) {
        set->least = (int32_t)number;
    } else if (strcmp(name, "--serve") == 0) {
        set->serve = strcmp(value, "yes") == 0;
    } else if (strcmp(name, "--evaluation") == 0) {
        set->evaluation = strcmp(value, "yes") == 0;
    } else if (strcmp(name, "--quick") == 0) {
        set->quick = strcmp(value, "yes") == 0;
    } else if (strcmp(name, "--began") == 0) {
        set->began = number;
    } else {
        return false;
    }
    return true;
}

static bool read_arguments(settings *set, int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        if (strncmp(arguments[i], "--", 2) != 0) {
            if (set->n_overrides == MAX_OVERRIDES) {
                return false;
            }
            set->overrides[set->n_overrides++] = arguments[i];
        } else if (i + 1 == count || !take_option(set, arguments[i], arguments[i + 1])) {
            return false;
        } else {
            i++;
        }
    }
    set->fashion = set->fashion != NULL ? set->fashion : set->data;
    return set->device != NULL && set->data != NULL && set->out != NULL;
}

/* A case that fails is told, and the others go on. */
int main(int count, char **arguments)
{
    settings set = {
        .cases = "abcde", .system = "odeon", .root = ODEON_SOURCE, .seconds = 1.0, .least = 5};
    bool first = true, failed = false;
    if (!read_arguments(&set, count, arguments)) {
        (void)fprintf(stderr, "%s", usage);
        return 2;
    }
    if (set.serve) {
        return serve(&set);
    }
    for (size_t i = 0; i < BENCH_CASES; i++) {
        const bench_case *c = &bench_cases[i];
        if (strchr(set.cases, c->name[0]) != NULL) {
            diag_clear();
            if (bench(&set, c, first, NULL) != ODEON_OK) {
                (void)printf("skip\t%s\t%s\t%s\n", set.system, c->name, diag_message());
                failed = true;
            }
            first = false;
        }
    }
    return failed ? 1 : 0;
}
