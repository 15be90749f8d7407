#include "ode/samples.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "ode/events.h"
#include "ode/outputs.h"
#include "odeon/device_move.h"
#include "solver/workspace.h"

static odeon_status no_memory(const odeon_ode *ode)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to solve its samples by themselves",
                     ode->path);
}

/* ---- set-up ---- */

/* As planned for training: what only training couples has been trained so. */
static odeon_status check_body(const odeon_ode *ode, const odeon_net *body)
{
    const net_layer *coupled = net_layer_with(body, ODEON_LAYER_BATCH_COUPLED);
    const net_layer *stateful = net_layer_with(body, ODEON_LAYER_STATEFUL);
    if (coupled != NULL) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: step = sample solves each sample by itself, but layer %s (%s) "
                         "computes over the whole batch: give step = batch, or another layer",
                         ode->path, coupled->path, coupled->instance->component->id);
    }
    return stateful == NULL
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "%s: step = sample solves each sample by itself, but the running state "
                           "of layer %s (%s) would depend on their order: give step = batch, or "
                           "another layer",
                           ode->path, stateful->path, stateful->instance->component->id);
}

odeon_status samples_init(odeon_ode *ode)
{
    const odeon_net *stiff = ode->field.terms.stiff;
    ODEON_TRY(check_body(ode, ode->body));
    ODEON_TRY(stiff != NULL ? check_body(ode, stiff) : ODEON_OK);
    ode_samples *x = mem_zalloc(1, sizeof *x);
    if (x == NULL) {
        return no_memory(ode);
    }
    worker_group_init(&x->alone, NULL, ode->lane.device, 0, 1);
    ode->lane.group = &x->alone;
    ode->samples = x;
    return events_init(ode);
}

void samples_fini(odeon_ode *ode)
{
    ode_samples *x = ode->samples;
    if (x == NULL) {
        return;
    }
    sample_lanes_fini(ode);
    events_fini(ode);
    for (int64_t i = 1; i < x->n_solvers; i++) {
        solver_destroy(x->solvers[i]);
    }
    ode->forward = x->n_solvers > 0 ? x->solvers[0] : ode->forward;
    buffer_release(ode->lane.device, &x->rows);
    buffer_release(ode->lane.device, &x->state_bar);
    step_lists_fini(&x->replay);
    mem_free(x->solvers);
    mem_free(x->y);
    mem_free(x->d_y);
}

odeon_status samples_read_replay(odeon_ode *ode, const char *path)
{
    return steps_read_lists(path, &ode->samples->replay);
}

/* ---- memory of a pass ---- */

static int64_t features(const odeon_ode *ode)
{
    return odeon_count(&ode->body->in);
}

/* A sample's vector number i; each begins at a multiple of 64 bytes, as the slice's do. */
static odeon_tensor vector_at(const odeon_ode *ode, int32_t i)
{
    int64_t n = features(ode), bytes = workspace_aligned(n * odeon_dtype_bytes(ode->lane.dtype));
    odeon_shape shape = {.ndim = 1, .dtype = ode->lane.dtype, .dim = {n}};
    return odeon_tensor_at(ode->samples->rows.data + i * bytes, shape);
}

/* y and d_y at all times, and d_y0. */
static odeon_status fit_vectors(odeon_ode *ode)
{
    ode_samples *x = ode->samples;
    int32_t n_times = ode->outputs.n_times;
    int64_t bytes = features(ode) * odeon_dtype_bytes(ode->lane.dtype) + 64;
    ODEON_TRY(ode_lists_fit(ode, n_times, &x->y, &x->d_y, &x->capacity));
    ODEON_TRY(buffer_fit(ode->lane.device, &x->rows, bytes * (2 * n_times + 1) + 64));
    ODEON_TRY(buffer_fit(ode->lane.device, &x->state_bar, bytes));
    for (int32_t i = 0; i < n_times; i++) {
        x->y[i] = vector_at(ode, i);
    }
    return ODEON_OK;
}

/* One at a time, since a batch's last may be smaller than all others: what there is stays. */
static odeon_status fit_solvers(odeon_ode *ode, int64_t n)
{
    ode_samples *x = ode->samples;
    while (x->n_solvers < n || x->n_solvers == 0) {
        solver **list = mem_grow(x->solvers, (size_t)x->n_solvers, sizeof(solver *));
        if (list == NULL) {
            return no_memory(ode);
        }
        x->solvers = list;
        if (x->n_solvers == 0) {
            list[0] = ode->forward;
        } else {
            ODEON_TRY(solver_create(&ode->lane, ode->stepper, &ode->spec, ode->path,
                                    &list[x->n_solvers]));
        }
        x->n_solvers++;
    }
    return ODEON_OK;
}

/* ---- one sample ---- */

/* What of the block is the slice's while a sample is under way. */
typedef struct slice {
    ode_outputs outputs;
    device_buffer state_bar;
} slice;

static slice begin_slice(odeon_ode *ode)
{
    ode_samples *x = ode->samples;
    slice all = {.outputs = ode->outputs, .state_bar = ode->state_bar};
    ode->outputs.samples = 1;
    ode->outputs.y = x->y;
    ode->outputs.d_y = x->d_y;
    ode->outputs.d_y0 = vector_at(ode, 2 * all.outputs.n_times);
    ode->state_bar = x->state_bar;
    return all;
}

/* After a failure the sample's solver stays the block's: the report of the failure reads it. */
static void end_slice(odeon_ode *ode, const slice *all, odeon_status status)
{
    ode_samples *x = ode->samples;
    x->state_bar = ode->state_bar;
    ode->outputs = all->outputs;
    ode->state_bar = all->state_bar;
    if (status == ODEON_OK) {
        x->now = 0;
        ode->forward = x->solvers[0];
    }
}

/* What the batch has of sample i alone. */
static void take_fields(ode_samples *x, const batch_fields *all, int64_t i)
{
    x->fields = *all;
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        odeon_view *field = &x->fields.of[role].view;
        if (field->data != NULL && field->shape.dim[0] > 0) {
            uint64_t bytes = (uint64_t)odeon_bytes(&field->shape) / (uint64_t)field->shape.dim[0];
            field->byte_offset += (uint64_t)i * bytes;
            field->shape.dim[0] = 1;
        }
    }
}

/* Of steps that are listed sample by sample those of this one, counted in the batch. */
static odeon_status take_steps(const odeon_ode *ode, int64_t sample)
{
    const step_lists *all = &ode->samples->replay;
    size_t i = (size_t)sample, begin = 0, end = all->n;
    if (all->begin != NULL) {
        if (i >= all->n_samples) {
            return diag_fail(ODEON_ERR_DATA,
                             "%s: %s lists the steps of %zu samples, but there is a sample %zu in "
                             "the batch",
                             ode->path, ode->replay_path, all->n_samples, i);
        }
        begin = all->begin[i];
        end = i + 1 < all->n_samples ? all->begin[i + 1] : all->n;
    }
    const double(*steps)[2] = (const double(*)[2])(all->steps + begin);
    solver_set_replay(ode->forward, end - begin, steps);
    solver_set_replay(ode->backward, end - begin, steps);
    return ODEON_OK;
}

/* The field is that of a batch of this sample alone, but for random numbers, which are drawn by the
 * sample's place in the whole batch. Its calls are not recorded: a recording would hold for one
 * sample's addresses. */
static odeon_status begin_sample(odeon_ode *ode, const odeon_layer_call *call, const slice *all,
                                 int64_t i)
{
    ode_samples *x = ode->samples;
    odeon_shape shape = ode->body->in;
    shape.dim[0] = 1;
    x->now = i;
    ode->tape.solver = ode->forward;
    worker_group_resolve(&x->alone);
    x->call = *call;
    x->call.group = &x->alone.abi;
    x->call.slots = solver_slots(ode->forward);
    x->call.first_sample = call->first_sample + i;
    x->call.n_global = 1;
    if (call->batch_field == batch_field) {
        take_fields(x, call->host, i);
        x->call.host = &x->fields;
    }
    const double *own = all->outputs.own_times;
    ode->outputs.times = own != NULL ? own + i * all->outputs.n_times : all->outputs.times;
    ODEON_TRY(block_field_fit(&ode->field, ode->body, &x->call, &shape, NULL));
    ode->field.host.is_recordable = false;
    return ode->spec.mode == ODEON_STEPS_REPLAY ? take_steps(ode, x->call.first_sample) : ODEON_OK;
}

/* Where a solve knows its worst sample the report of the batch's failure names it. */
static odeon_status name_sample(const odeon_ode *ode, const odeon_layer_call *call,
                                odeon_status status)
{
    const solve_diagnosis *forward = solver_diagnosis(ode->forward);
    const solve_diagnosis *backward = solver_diagnosis(ode->backward);
    bool known = (forward->failed && forward->worst.part != NULL) ||
                 (backward->failed && backward->worst.part != NULL);
    if (status == ODEON_OK || known) {
        return status;
    }
    diag_reason reason = diag_take();
    return diag_fail(status, "%s (sample %lld of the batch)", reason.text,
                     (long long)(call->first_sample + ode->samples->now));
}

/* A sample's vector from or to its row of one of the slice's; x_at and y_at count elements. */
static odeon_status copy_row(const odeon_ode *ode, const odeon_view *x, int64_t x_at,
                             const odeon_tensor *y, int64_t y_at)
{
    int64_t n = features(ode);
    return ODEON_DO(ode->lane.device, move, copy2d, ode->lane.queue, .x = x, .y = y, .rows = 1,
                    .cols = n, .x_pitch = n, .x_at = x_at, .y_pitch = n, .y_at = y_at);
}

/* ---- forward ---- */

static odeon_status forward_sample(odeon_ode *ode, const odeon_layer_call *call, int32_t keep,
                                   ode_pass pass, const slice *all, int64_t i)
{
    int64_t at = i * features(ode);
    const ode_outputs *o = &ode->outputs;
    ODEON_TRY(begin_sample(ode, call, all, i));
    ODEON_TRY(copy_row(ode, &all->outputs.y[0].view, at, &o->y[0], 0));
    ODEON_TRY(events_forward(ode, keep, pass));
    for (int32_t k = 1; k < o->n_times; k++) {
        ODEON_TRY(copy_row(ode, &o->y[k].view, 0, &all->outputs.y[k], at));
    }
    return ODEON_OK;
}

static void note_steps(ode_samples *x, int64_t accepted)
{
    bool first = x->n == 0;
    x->n++;
    x->steps_min = first || accepted < x->steps_min ? accepted : x->steps_min;
    x->steps_max = first || accepted > x->steps_max ? accepted : x->steps_max;
}

/* What all samples have taken, solved side by side. */
static void note_all(odeon_ode *ode)
{
    ode->forward_stats = solve_stats_none();
    for (int64_t i = 0; i < ode->outputs.samples; i++) {
        const solve_stats *one = &lanes_log(ode->samples->side.lanes, i)->stats;
        solve_stats_add(&ode->forward_stats, one);
        note_steps(ode->samples, one->accepted);
    }
}

static odeon_status forward_each(odeon_ode *ode, const odeon_layer_call *call, int32_t keep,
                                 ode_pass pass)
{
    ode_samples *x = ode->samples;
    int64_t n = ode->outputs.samples;
    solve_stats sum = solve_stats_none();
    ODEON_TRY(fit_vectors(ode));
    ODEON_TRY(fit_solvers(ode, keep != 0 ? n : 1));
    slice all = begin_slice(ode);
    odeon_status status = ODEON_OK;
    for (int64_t i = 0; i < n && status == ODEON_OK; i++) {
        ode->forward = x->solvers[keep != 0 ? i : 0];
        ode->forward_stats = solve_stats_none();
        solver_forget(ode->forward);
        status = forward_sample(ode, call, keep, pass, &all, i);
        solve_stats_add(&sum, &ode->forward_stats);
        note_steps(x, ode->forward_stats.accepted);
        status = name_sample(ode, call, status);
    }
    end_slice(ode, &all, status);
    ode->forward_stats = sum;
    return status;
}

static odeon_status forward_all(odeon_ode *ode, const odeon_layer_call *call, int32_t keep,
                                ode_pass pass)
{
    bool done;
    ODEON_TRY(sample_lanes_forward(ode, call, keep, pass, &done));
    if (done) {
        note_all(ode);
        return ODEON_OK;
    }
    return forward_each(ode, call, keep, pass);
}

/* Whether side by side or in turn, a sample's layers compute the same bits. */
odeon_status samples_forward(odeon_ode *ode, const odeon_layer_call *call, int32_t keep,
                             ode_pass pass)
{
    samples_forget(ode);
    ODEON_TRY(sample_lanes_apart(ode, true));
    odeon_status status = forward_all(ode, call, keep, pass);
    odeon_status back = sample_lanes_apart(ode, false);
    return status != ODEON_OK ? status : back;
}

/* ---- backward ---- */

/* Vectors of cotangents stand behind those of y. */
static odeon_status take_cotangents(odeon_ode *ode, const slice *all, int64_t at)
{
    ode_outputs *o = &ode->outputs;
    bool needs_y = (ode->gradient_flags & ODEON_GRADIENT_NEEDS_Y) != 0;
    for (int32_t k = 0; k < o->n_times; k++) {
        odeon_tensor d_y = vector_at(ode, o->n_times + k);
        if (needs_y) {
            ODEON_TRY(copy_row(ode, &all->outputs.y[k].view, at, &o->y[k], 0));
        }
        o->d_y[k] = all->outputs.d_y[k];
        if (o->d_y[k].data != NULL) {
            ODEON_TRY(copy_row(ode, &all->outputs.d_y[k], at, &d_y, 0));
            o->d_y[k] = d_y.view;
        }
    }
    return ODEON_OK;
}

/* The sample's forward once more, as a method that keeps frames has asked for it. */
static odeon_status solve_again(odeon_ode *ode, int64_t at)
{
    const ode_outputs *o = &ode->outputs;
    const odeon_view start = sample_lanes_start(ode);
    const odeon_gradient_solve solve = {.struct_size = sizeof solve,
                                        .keep = ODEON_KEEP_FRAMES,
                                        .field = &ode->field.host.abi,
                                        .times = o->times,
                                        .n_times = o->n_times,
                                        .y = o->y};
    ODEON_TRY(copy_row(ode, &start, at, &o->y[0], 0));
    return ode->services.solve(ode, &solve);
}

static odeon_status backward_sample(odeon_ode *ode, const odeon_layer_call *call, ode_pass pass,
                                    const slice *all, int64_t i)
{
    int64_t at = i * features(ode);
    ODEON_TRY(begin_sample(ode, call, all, i));
    ODEON_TRY(ode->samples->side.spoilt ? solve_again(ode, at) : ODEON_OK);
    ODEON_TRY(take_cotangents(ode, all, at));
    ODEON_TRY(events_backward(ode, pass));
    return copy_row(ode, &ode->outputs.d_y0.view, 0, &all->outputs.d_y0, at);
}

/* After a forward side by side that has kept nothing the method needs no solver of the sample's. If
 * the reverse side by side was spoilt, one solver has each sample's tape in turn. */
static odeon_status backward_each(odeon_ode *ode, const odeon_layer_call *call, ode_pass pass)
{
    ode_samples *x = ode->samples;
    int64_t n = ode->outputs.samples;
    solve_stats sum = solve_stats_none();
    ODEON_TRY(fit_vectors(ode));
    ODEON_TRY(fit_solvers(ode, 1));
    slice all = begin_slice(ode);
    odeon_status status = ODEON_OK;
    for (int64_t i = 0; i < n && status == ODEON_OK; i++) {
        ode->forward = x->solvers[x->side.held || x->side.spoilt ? 0 : i];
        ode->backward_stats = solve_stats_none();
        solver_forget(ode->backward);
        status = backward_sample(ode, call, pass, &all, i);
        solve_stats_add(&sum, &ode->backward_stats);
        status = name_sample(ode, call, status);
    }
    end_slice(ode, &all, status);
    ode->backward_stats = sum;
    return status;
}

/* Steps of the solves that are made again are those of the forward, whose log and counts stay. */
static odeon_status backward_all(odeon_ode *ode, const odeon_layer_call *call, ode_pass pass)
{
    ode_samples *x = ode->samples;
    bool done = false;
    ODEON_TRY(x->side.kept ? sample_lanes_backward(ode, call, pass, &done) : ODEON_OK);
    if (done) {
        return ODEON_OK;
    }
    const solve_stats forward = ode->forward_stats;
    bool held = x->side.held;
    x->side.held = held && !x->side.spoilt;
    odeon_status status = backward_each(ode, call, pass);
    x->side.held = held;
    ode->forward_stats = forward;
    return status;
}

odeon_status samples_backward(odeon_ode *ode, const odeon_layer_call *call, ode_pass pass)
{
    ODEON_TRY(sample_lanes_apart(ode, true));
    odeon_status status = backward_all(ode, call, pass);
    odeon_status back = sample_lanes_apart(ode, false);
    return status != ODEON_OK ? status : back;
}

/* ---- results ---- */

odeon_status samples_attempts(odeon_ode *ode, int64_t sample, attempt_list *out)
{
    const ode_samples *x = ode->samples;
    if (x->events != NULL) {
        return events_attempts(ode, sample, out);
    }
    if (x->side.held) {
        const solve_log *log = lanes_log(x->side.lanes, sample);
        *out = (attempt_list){.attempts = log->attempts, .n = log->n_attempts};
        return ODEON_OK;
    }
    out->attempts = solver_attempts(x->solvers[sample], &out->n);
    return ODEON_OK;
}

void samples_forget(odeon_ode *ode)
{
    ode_samples *x = ode->samples;
    x->n = x->now = x->steps_min = x->steps_max = 0;
    x->side.held = x->side.kept = x->side.spoilt = false;
    events_forget(ode);
    for (int64_t i = 0; i < x->n_solvers; i++) {
        solver_forget(x->solvers[i]);
        solver_reset_peak(x->solvers[i]);
    }
    ode->forward = x->n_solvers > 0 ? x->solvers[0] : ode->forward;
}

int64_t samples_peak_bytes(const odeon_ode *ode)
{
    const ode_samples *x = ode->samples;
    int64_t bytes = 0;
    for (int64_t i = 0; i < x->n_solvers; i++) {
        bytes += solver_peak_bytes(x->solvers[i]);
    }
    return bytes + events_peak_bytes(ode) + (x->side.held ? sample_lanes_peak_bytes(ode) : 0);
}
