#include "session/session.h"

#include <math.h>
#include <string.h>

#include "base/abandon.h"
#include "base/cores.h"
#include "base/diag.h"
#include "base/mem.h"
#include "device/counts.h"
#include "ode/ode.h"
#include "plugin/calling.h"
#include "plugin/registry.h"
#include "session/worker.h"

/* ---- building ---- */

static odeon_status open_device(session *s)
{
    ODEON_TRY(instance_create(s->config->device, "run.device", &s->device_instance));
    s->device = (odeon_device){.struct_size = sizeof s->device,
                               .self = s->device_instance->self,
                               .ops = s->device_instance->component->ops};
    calling outer = calling_begin(s->device_instance, "probe");
    return calling_end(outer, s->device.ops->probe(s->device.self));
}

/* Once it has its queues: how a device goes about its work may depend on them. */
static odeon_status describe_device(session *s)
{
    char text[256] = "";
    calling outer = calling_begin(s->device_instance, "describe");
    ODEON_TRY(calling_end(outer, s->device.ops->describe(s->device.self, text, sizeof text)));
    s->device_text = mem_printf("%s: %s", s->device_instance->component->id, text);
    return s->device_text != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "run.device: no memory");
}

/* A device that records does a solve by one launch as long as nobody meets on the host. */
static bool captures(const session *s)
{
    const odeon_device_ops *ops = s->device.ops;
    return s->config->capture && ODEON_HAS(ops, odeon_device_ops, get_extension) &&
           ops->get_extension(s->device.self, ODEON_DEVICE_CAPTURE) != NULL;
}

/* One worker where a slice would be too small to be worth a barrier, else all cores. */
static int32_t choose_workers(const session *s, const worker *first, int64_t max_batch)
{
    enum { WORTH_BYTES = 64 * 1024 };
    int64_t cores = cores_usable(), sample = odeon_count(&first->net->in);
    if (s->config->workers > 0) {
        return (int32_t)s->config->workers; /* no more than COLLECTIVE_MAX_WORKERS */
    }
    if (captures(s)) {
        return 1;
    }
    for (size_t i = 0; i < first->site.n_layers; i++) {
        int64_t size = odeon_count(&first->site.layers[i]->plan.out);
        sample = size > sample ? size : sample;
    }
    int64_t worth = sample * max_batch * odeon_dtype_bytes(s->config->dtype) / WORTH_BYTES;
    int64_t n = worth < cores ? worth : cores;
    n = n < COLLECTIVE_MAX_WORKERS ? n : COLLECTIVE_MAX_WORKERS;
    return n < 1 ? 1 : (int32_t)n;
}

/* The first worker's network says what the parameters are and how many workers are worth while. */
static odeon_status build_workers(session *s, int64_t max_batch)
{
    s->workers = mem_zalloc(COLLECTIVE_MAX_WORKERS, sizeof *s->workers);
    if (s->workers == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "workers: no memory");
    }
    s->n_workers = 1;
    ODEON_TRY(worker_create(s, 0, &s->workers[0]));
    int32_t n = choose_workers(s, &s->workers[0], max_batch);
    s->n_planned = n;
    if (s->is_shapes_only) { /* the others would be the same */
        return ODEON_OK;
    }
    ODEON_TRY(collective_create(n, &s->collective));
    collective_set_patience(s->collective, s->config->patience, abandon_program, NULL);
    for (int32_t rank = 1; rank < n; rank++) {
        s->n_workers++;
        ODEON_TRY(worker_create(s, rank, &s->workers[rank]));
    }
    for (int32_t rank = 0; rank < n; rank++) {
        worker_group_init(&s->workers[rank].group, s->collective, &s->device, rank, n);
    }
    return ODEON_OK;
}

static odeon_status fit_zero(session *s, device_buffer *r)
{
    const worker *w = &s->workers[0];
    int64_t n = s->params.trainable;
    ODEON_TRY(buffer_fit(&s->device, r, (n + 1) * odeon_dtype_bytes(s->config->dtype)));
    odeon_tensor all = worker_flat(s, r->data, 0, n);
    ODEON_TRY(s->device.ops->fill(w->site.lane.queue, &all, odeon_imm(0.0), NULL));
    return s->device.ops->wait(w->site.lane.queue);
}

static odeon_status initialize(session *s)
{
    for (size_t i = 0; i < s->params.n; i++) {
        ODEON_TRY(session_set_param(s, &s->params.list[i], session_initial_numbers, s));
    }
    return ODEON_OK;
}

static odeon_status bind(session *s)
{
    ODEON_TRY(fit_zero(s, &s->values));
    for (int32_t i = 0; i < s->n_moments; i++) {
        ODEON_TRY(fit_zero(s, &s->moments[i]));
    }
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        ODEON_TRY(worker_bind(&s->workers[rank]));
    }
    ODEON_TRY(initialize(s));
    return s->config->weights != NULL ? session_load(s, s->config->weights) : ODEON_OK;
}

static void prepare_job(void *context, int32_t rank)
{
    session *s = context;
    worker *w = &s->workers[rank];
    odeon_context call = worker_context(w, ODEON_CALL_TRAIN);
    diag_clear();
    calling outer = calling_begin(s->device_instance, "an operator that the host calls");
    worker_group_resolve(&w->group);
    w->status = net_prepare(w->data_net, &call);
    w->status = w->status == ODEON_OK ? net_prepare(w->net, &call) : w->status;
    calling_leave(outer);
    (void)snprintf(w->message, sizeof w->message, "%s", diag_message());
}

typedef struct member_job {
    session *session;
    team_job job;
    void *context;
} member_job;

static void run_member(void *context, int32_t rank)
{
    const member_job *m = context;
    worker_group *group = &m->session->workers[rank].group;
    calling_show(&group->board);
    m->job(m->context, rank);
    calling_show(NULL);
    collective_end_job(group);
}

odeon_status session_run_job(session *s, team_job job, void *context)
{
    member_job all = {.session = s, .job = job, .context = context};
    collective_begin_job(s->collective);
    team_run(s->team, run_member, &all);
    const worker *worst = NULL;
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        const worker *w = &s->workers[rank];
        if ((w->status < 0 && (worst == NULL || worst->status > 0)) ||
            (w->status > 0 && worst == NULL)) {
            worst = w;
        }
    }
    diag_clear();
    if (worst == NULL) {
        return ODEON_OK;
    }
    if (worst->message[0] != '\0') {
        diag_adopt(worst->message);
    }
    return worst->status > 0 ? diag_fail(ODEON_ERR_NUMERIC, "a layer cannot be evaluated")
                             : worst->status;
}

odeon_status session_prepare(session *s)
{
    s->unprepared = false;
    return session_run_job(s, prepare_job, s);
}

static odeon_status make_blocks(session *s)
{
    size_t n = s->workers[0].site.n_odes;
    s->blocks = mem_zalloc(n, sizeof *s->blocks);
    return s->blocks != NULL
               ? ODEON_OK
               : diag_fail(ODEON_ERR_NOMEM, "no memory for the counters of %zu ODE blocks", n);
}

static odeon_status build(session *s, int64_t max_batch)
{
    ODEON_TRY(open_device(s));
    if (s->config->schedule != NULL) {
        ODEON_TRY(instance_create(s->config->schedule, "train.schedule", &s->schedule));
    }
    ODEON_TRY(build_workers(s, max_batch));
    ODEON_TRY(make_blocks(s));
    ODEON_TRY(describe_device(s));
    s->output_size = odeon_count(&s->workers[0].net->out);
    if (s->is_shapes_only) {
        return s->config->weights != NULL ? session_check_weights(s, s->config->weights) : ODEON_OK;
    }
    ODEON_TRY(team_create(s->n_workers, &s->team));
    ODEON_TRY(bind(s));
    return session_prepare(s);
}

enum { OF_ALL = 0, OF_FLOW, OF_SHAPES };

static odeon_status create(registry *r, const config *c, const data_fields *fields,
                           int64_t max_batch, int of, session **out)
{
    *out = NULL;
    session *s = mem_zalloc(1, sizeof *s);
    if (s == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "session: no memory");
    }
    s->config = c;
    s->fields = *fields;
    s->is_flow = of == OF_FLOW;
    s->is_shapes_only = of == OF_SHAPES;
    odeon_status status =
        c->kernels ? kernels_create(r, c->device->component->id, &s->kernels) : ODEON_OK;
    if (status == ODEON_OK) {
        status = build(s, max_batch);
    }
    if (status != ODEON_OK) {
        session_destroy(s);
        return status;
    }
    *out = s;
    return ODEON_OK;
}

odeon_status session_create(registry *r, const config *c, const data_fields *fields,
                            int64_t max_batch, session **out)
{
    return create(r, c, fields, max_batch, OF_ALL, out);
}

odeon_status session_create_shapes(registry *r, const config *c, const data_fields *fields,
                                   int64_t max_batch, session **out)
{
    return create(r, c, fields, max_batch, OF_SHAPES, out);
}

odeon_status session_create_flow(registry *r, const config *c, const data_fields *fields,
                                 int64_t max_batch, session **out)
{
    return create(r, c, fields, max_batch, OF_FLOW, out);
}

void session_destroy(session *s)
{
    if (s == NULL) {
        return;
    }
    team_destroy(s->team);
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        worker_destroy(&s->workers[rank]);
    }
    mem_free(s->workers);
    session_release_samples(s);
    collective_destroy(s->collective);
    buffer_release(&s->device, &s->values);
    for (int32_t i = 0; i < s->n_moments; i++) {
        buffer_release(&s->device, &s->moments[i]);
    }
    for (size_t i = 0; i < WORKER_MAX_LOSSES; i++) {
        mem_free(s->loss_names[i]);
    }
    session_batch_fini(&s->failed_batch);
    params_fini(&s->params);
    params_fini(&s->data_params);
    instance_destroy(s->schedule);
    instance_destroy(s->device_instance);
    kernels_destroy(s->kernels);
    mem_free(s->blocks);
    mem_free(s->device_text);
    mem_free(s);
}

/* ---- what it is ---- */

size_t session_layer_count(const session *s)
{
    return s->workers[0].data_site.n_layers + s->workers[0].site.n_layers;
}

odeon_tensor session_input(const session *s)
{
    return s->workers[0].net->in;
}

session_layer session_layer_at(const session *s, size_t index)
{
    const net_site *data = &s->workers[0].data_site, *model = &s->workers[0].site;
    const net_layer *layer =
        index < data->n_layers ? data->layers[index] : model->layers[index - data->n_layers];
    session_layer out = {.path = layer->path,
                         .layer = layer->instance->component->id,
                         .ndim = layer->plan.out.ndim - 1,
                         .shared = layer->shared};
    for (const net_layer *c = layer->container; c != NULL; c = c->container) {
        out.depth++;
    }
    for (int32_t i = 0; i < out.ndim; i++) {
        out.dim[i] = layer->plan.out.dim[i + 1];
    }
    for (size_t k = 0; k < layer->n_params && layer->shared == NULL; k++) {
        out.parameters += s->params.list[layer->index[k]].count;
    }
    return out;
}

int64_t session_min_batch(const session *s, session_layer *layer)
{
    const net_site *site = &s->workers[0].site;
    size_t first = s->workers[0].data_site.n_layers;
    int64_t least = 1;
    for (size_t i = 0; i < site->n_layers; i++) {
        if (site->layers[i]->plan.min_batch > least) {
            least = site->layers[i]->plan.min_batch;
            *layer = session_layer_at(s, first + i);
        }
    }
    return least;
}

/* Is the container a block that solves over the times of its batch? */
static bool has_batch_times(const net_site *site, const net_layer *container)
{
    for (size_t i = 0; i < site->n_odes; i++) {
        const odeon_ode *ode = site->odes[i];
        if (ode->spec.n_times == 0 && strcmp(ode->path, container->path) == 0) {
            return true;
        }
    }
    return false;
}

bool session_reads_relative_time(const session *s, session_layer *layer)
{
    const net_site *site = &s->workers[0].site;
    size_t first = s->workers[0].data_site.n_layers;
    if (!data_has(&s->fields, ODEON_ROLE_TIME) ||
        (s->fields.of[ODEON_ROLE_TIME].flags & ODEON_FIELD_RELATIVE) == 0) {
        return false;
    }
    for (size_t i = 0; i < site->n_layers; i++) {
        const net_layer *x = site->layers[i];
        bool leaf = x->n_bodies == 0 && (x->plan.flags & ODEON_LAYER_USES_T) != 0;
        for (const net_layer *c = x->container; c != NULL && leaf; c = c->container) {
            if (has_batch_times(site, c)) {
                *layer = session_layer_at(s, first + i);
                return true;
            }
        }
    }
    return false;
}

uint64_t session_stored_bytes(const session *s)
{
    return data_field_bytes(&s->fields, ODEON_ROLE_INPUT);
}

const data_fields *session_fields(const session *s)
{
    return &s->fields;
}

int64_t session_parameter_count(const session *s)
{
    return s->params.count;
}

int32_t session_workers(const session *s)
{
    return s->n_planned;
}

const char *session_device_text(const session *s)
{
    return s->device_text;
}

bool session_device_is_auto(const session *s)
{
    return s->config->auto_device;
}

const kernel_list *session_kernels(const session *s)
{
    return s->kernels;
}

size_t session_metric_count(const session *s)
{
    return (size_t)s->n_metrics;
}

const char *const *session_metric_names(const session *s)
{
    return s->metric_names;
}

int32_t session_headline(const session *s)
{
    size_t n_losses = s->workers[0].n_losses;
    int32_t first = n_losses > 1 ? (int32_t)n_losses : 0;
    for (int32_t i = first; i < s->n_metrics; i++) {
        if (strcmp(s->metric_names[i], ODEON_METRIC_ACCURACY) == 0) {
            return i;
        }
    }
    return first < s->n_metrics ? first : -1;
}

double session_score(const session *s, const session_result *result, const char **name)
{
    int32_t i = session_headline(s);
    bool accuracy = i >= 0 && strcmp(s->metric_names[i], ODEON_METRIC_ACCURACY) == 0;
    *name = accuracy ? s->metric_names[i] : NULL;
    return accuracy ? result->metrics[i] : -result->loss;
}

double session_learning_rate(const session *s)
{
    const instance *optimizer = s->workers[0].optimizer;
    const odeon_optimizer_ops *ops = optimizer->component->ops;
    calling outer = calling_begin(optimizer, "learning_rate");
    double rate = ops->learning_rate(optimizer->self);
    calling_leave(outer);
    return rate;
}

odeon_tensor session_output(const session *s)
{
    return s->workers[0].net->out;
}

void session_schedule_remark(const session *s, const odeon_position *last, char *text, size_t bytes)
{
    text[0] = '\0';
    const odeon_schedule_ops *ops = s->schedule != NULL ? s->schedule->component->ops : NULL;
    if (ops != NULL && ODEON_HAS(ops, odeon_schedule_ops, remark)) {
        ops->remark(s->schedule->self, last, text, bytes);
        text[bytes - 1] = '\0';
    }
}

void session_on_stuck(session *s, session_stuck stuck, void *context)
{
    collective_set_patience(s->collective, s->config->patience, stuck, context);
}

odeon_status session_schedule(const session *s, const odeon_position *position, double *factor)
{
    *factor = 1.0;
    if (s->schedule == NULL) {
        return ODEON_OK;
    }
    const odeon_schedule_ops *ops = s->schedule->component->ops;
    calling outer = calling_begin(s->schedule, "factor");
    *factor = ops->factor(s->schedule->self, position);
    calling_leave(outer);
    return isfinite(*factor) && *factor >= 0.0
               ? ODEON_OK
               : diag_fail(ODEON_ERR_PLUGIN,
                           "train.schedule: %s says that step %lld has the learning rate times %g",
                           s->schedule->component->id, (long long)position->step, *factor);
}

int64_t session_output_size(const session *s)
{
    return s->output_size;
}

/* ---- batches ---- */

typedef struct batch_job {
    session *session;
    batch *batch;
} batch_job;

static void run_worker(void *context, int32_t rank)
{
    batch_job *job = context;
    worker *w = &job->session->workers[rank];
    diag_clear();
    /* Between the slots of others the device is asked for one thing after another. */
    calling outer = calling_begin(w->session->device_instance, "an operator that the host calls");
    w->status = worker_batch(w, job->batch);
    calling_leave(outer);
    (void)snprintf(w->message, sizeof w->message, "%s", diag_message());
}

/* Steps and evaluations are the same on all workers; memory adds up. */
size_t session_blocks(const session *s, ode_counters **blocks)
{
    const net_site *site = &s->workers[0].site;
    for (size_t i = 0; i < site->n_odes; i++) {
        s->blocks[i] = site->odes[i]->counters;
        for (int32_t rank = 1; rank < s->n_workers; rank++) {
            s->blocks[i].bytes += s->workers[rank].site.odes[i]->counters.bytes;
        }
    }
    *blocks = s->blocks;
    return site->n_odes;
}

odeon_status session_result_copy(const session_result *from, session_result *to)
{
    ode_counters *blocks = to->blocks;
    if (from->n_blocks > to->n_blocks) {
        blocks = mem_resize(to->blocks, from->n_blocks, sizeof *blocks);
        if (blocks == NULL) {
            return diag_fail(ODEON_ERR_NOMEM, "no memory for the counters of %zu ODE blocks",
                             from->n_blocks);
        }
    }
    *to = *from;
    to->blocks = blocks;
    if (from->n_blocks > 0) {
        memcpy(blocks, from->blocks, from->n_blocks * sizeof *blocks);
    }
    return ODEON_OK;
}

void session_result_fini(session_result *copy)
{
    mem_free(copy->blocks);
    *copy = (session_result){.loss = 0.0};
}

static odeon_status run_batch(session *s, batch *b, session_result *out)
{
    batch_job job = {.session = s, .batch = b};
    device_counters before = device_counts(&s->device);
    b->loss = b->grad_norm = (double)NAN;
    b->samples = session_samples_of(s, b->source);
    b->next = s->expected;
    s->expected = (session_expected){.source = NULL};
    session_batch_fini(&s->failed_batch);
    if (s->unprepared) {
        ODEON_TRY(session_prepare(s));
    }
    odeon_status status = session_run_job(s, run_worker, &job);
    if (status == ODEON_ERR_NUMERIC) {
        session_keep_failure(s, b);
    }
    if (out != NULL) {
        *out = (session_result){.loss = b->loss,
                                .counted = b->counted,
                                .grad_norm = b->grad_norm,
                                .device = device_counts_since(&s->device, &before)};
        memcpy(out->metrics, b->metrics, sizeof out->metrics);
        out->n_blocks = session_blocks(s, &out->blocks);
    }
    return status;
}

odeon_status session_train(session *s, const data_source *source, int64_t n, const int64_t *indices,
                           int64_t epoch, int64_t step, double lr_factor, session_result *out)
{
    batch b = {.mode = BATCH_TRAIN,
               .n = n,
               .source = source,
               .indices = indices,
               .epoch = epoch,
               .step = step,
               .lr_factor = lr_factor};
    return run_batch(s, &b, out);
}

odeon_status session_evaluate(session *s, const data_source *source, int64_t n,
                              const int64_t *indices, session_result *out)
{
    batch b = {.mode = BATCH_EVALUATE, .n = n, .source = source, .indices = indices};
    return run_batch(s, &b, out);
}

odeon_status session_predict(session *s, const session_samples *samples, double *output,
                             double *labels)
{
    return session_predict_counted(s, samples, output, labels, NULL);
}

odeon_status session_predict_counted(session *s, const session_samples *samples, double *output,
                                     double *labels, session_result *result)
{
    batch b = {.mode = BATCH_PREDICT,
               .n = samples->n,
               .source = samples->source,
               .indices = samples->indices,
               .stored = samples->stored,
               .values = samples->values,
               .output = output,
               .labels_out = samples->source != NULL ? labels : NULL};
    memcpy(b.given, samples->given, sizeof b.given);
    return run_batch(s, &b, result);
}

odeon_status session_repeat(session *s, const session_batch *again, session_result *out)
{
    batch b = {.mode = again->training ? BATCH_REPEAT : BATCH_EVALUATE,
               .n = again->n,
               .indices = again->indices,
               .epoch = again->epoch,
               .step = again->step};
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        b.given[role] = again->field[role];
    }
    return run_batch(s, &b, out);
}

static void measure_share(session *s, bool on)
{
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        const net_site *site = &s->workers[rank].site;
        for (size_t i = 0; i < site->n_odes; i++) {
            site->odes[i]->measure_share = on;
        }
    }
}

odeon_status session_differentiate(session *s, int64_t n, const double *const *given,
                                   double *output, double *d_x, session_result *result)
{
    batch b = {.mode = BATCH_DIFFERENTIATE, .n = n, .output = output, .d_x = d_x};
    memcpy(b.given, given, sizeof b.given);
    measure_share(s, true);
    odeon_status status = run_batch(s, &b, result);
    measure_share(s, false);
    return status;
}

odeon_status session_write_steps(session *s, size_t block, const char *path)
{
    const net_site *site = &s->workers[0].site;
    if (block >= site->n_odes) {
        return diag_fail(ODEON_ERR_CONFIG, "there is no ODE block whose steps could be written");
    }
    size_t n;
    const solve_attempt *attempts = solver_attempts(site->odes[block]->forward, &n);
    return steps_write(path, n, attempts);
}
