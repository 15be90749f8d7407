#include "ode/sample_lanes.h"

#include <math.h>

#include "base/diag.h"
#include "odeon/device_lanes.h"
#include "odeon/device_move.h"
#include "solver/lanes_reverse.h"

/* ---- set-up ---- */

static bool reads_given(const odeon_net *net)
{
    for (size_t i = 0; net != NULL && i < net->n; i++) {
        const net_layer *layer = &net->layers[i];
        bool found = layer->plan.needs != 0;
        for (size_t b = 0; b < layer->n_bodies && !found; b++) {
            found = reads_given(layer->bodies[b]);
        }
        if (found) {
            return true;
        }
    }
    return false;
}

static const char *prevented(const odeon_ode *ode)
{
    if (net_layer_with(ode->body, ODEON_LAYER_RANDOM) != NULL) {
        return "a layer draws random numbers by the place of a sample in its batch";
    }
    if (ode->spec.event != NULL) {
        return "events are found sample by sample";
    }
    return ode->field.terms.stiff != NULL ? "the field has a stiff term"
                                          : lanes_prevented(&ode->lane, ode->stepper, &ode->spec);
}

/* Rows drop out one by one, and layers have memory for each number of rows that they are called
 * with: as many as take no more than this together. */
static int64_t most_rows(const net_plan *one)
{
    enum { FEWEST = 8, BUDGET = 1 << 26 };
    double bytes = (double)one->scratch_bytes + 1.0;
    double rows = sqrt(2.0 * BUDGET / bytes);
    return rows > FEWEST ? (int64_t)rows : FEWEST;
}

odeon_status sample_lanes_init(odeon_ode *ode)
{
    sample_lanes *x = &ode->samples->side;
    const net_plan *one;
    x->prevented = prevented(ode);
    if (x->prevented != NULL) {
        return ODEON_OK;
    }
    x->needs_given = reads_given(ode->body);
    ODEON_TRY(net_plan_shapes(ode->body, 1, 0, &one));
    ode->field.most_rows = most_rows(one);
    return lanes_create(&ode->lane, ode->stepper, &ode->spec, ode->path, &x->lanes);
}

void sample_lanes_fini(odeon_ode *ode)
{
    sample_lanes *x = &ode->samples->side;
    lanes_destroy(x->lanes);
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        buffer_release(ode->lane.device, &x->given[role]);
    }
    buffer_release(ode->lane.device, &x->list);
    buffer_release(ode->lane.device, &x->start);
    buffer_release(ode->lane.device, &x->sums);
}

/* ---- the field of some samples ---- */

static const odeon_device_lanes *operators_of(const odeon_ode *ode)
{
    return ode->lane.device->get_table(ode->lane.device, ODEON_DEVICE_LANES);
}

odeon_status sample_lanes_apart(const odeon_ode *ode, bool on)
{
    const odeon_device_lanes *ops = ode->samples->side.lanes != NULL ? operators_of(ode) : NULL;
    return ops != NULL && ODEON_HAS(ops, odeon_device_lanes, apart)
               ? ops->apart(ode->lane.queue, on)
               : ODEON_OK;
}

/* As rows of so many elements. */
static odeon_shape rows_shape(const odeon_shape *x)
{
    int64_t rows = x->dim[0];
    return (odeon_shape){
        .ndim = 2, .dtype = x->dtype, .dim = {rows, rows > 0 ? odeon_count(x) / rows : 0}};
}

/* What the batch has of n samples in one role. */
static odeon_status gather_role(odeon_ode *ode, int32_t role, int64_t n)
{
    sample_lanes *x = &ode->samples->side;
    odeon_view all = x->all->of[role].view;
    odeon_tensor *some = &x->fields.of[role];
    odeon_shape shape = all.shape;
    shape.dim[0] = n;
    ODEON_TRY(buffer_fit(ode->lane.device, &x->given[role], odeon_bytes(&all.shape)));
    *some = odeon_tensor_at(x->given[role].data, shape);
    odeon_tensor y = odeon_tensor_at(x->given[role].data, rows_shape(&shape));
    all.shape = rows_shape(&all.shape);
    return operators_of(ode)->move(
        ode->lane.queue, &(odeon_lanes_move){.struct_size = sizeof(odeon_lanes_move),
                                             .x = &all,
                                             .y = &y,
                                             .x_row = (const int32_t *)(const void *)x->list.data,
                                             .n = n});
}

/* row NULL: all of them. Also what no layer says it needs: it may read what there is. */
static odeon_status gather_given(odeon_ode *ode, int64_t n, const int32_t *row)
{
    sample_lanes *x = &ode->samples->side;
    if (x->all == NULL) {
        return ODEON_OK;
    }
    x->fields = *x->all;
    ode->samples->call.host = &x->fields;
    if (row == NULL) {
        return ODEON_OK;
    }
    int64_t bytes = n * (int64_t)sizeof *row;
    ODEON_TRY(buffer_fit(ode->lane.device, &x->list, ode->outputs.samples * 4));
    ODEON_TRY(ode->lane.device->ops->upload(ode->lane.queue, x->list.data, row, (uint64_t)bytes));
    for (int32_t role = ODEON_ROLE_TIME; role < DATA_ROLES; role++) {
        const odeon_view *all = &x->all->of[role].view;
        bool there = all->data != NULL && all->shape.dim[0] == ode->outputs.samples;
        ODEON_TRY(there ? gather_role(ode, role, n) : ODEON_OK);
    }
    return ODEON_OK;
}

/* Calls are not recorded: a recording would hold for these samples alone. */
static odeon_status fit_rows(void *self, int64_t n, const int32_t *row, const host_field **out)
{
    odeon_ode *ode = self;
    ode_samples *x = ode->samples;
    odeon_shape shape = ode->body->in;
    shape.dim[0] = n;
    x->call.n_global = n;
    ODEON_TRY(gather_given(ode, n, row));
    ODEON_TRY(block_field_fit(&ode->field, ode->body, &x->call, &shape, NULL));
    ode->field.host.is_recordable = false;
    *out = &ode->field.host;
    return ODEON_OK;
}

/* ---- a pass ---- */

/* A layer is given the samples that are under way, which nobody else's batch_field knows. */
static bool suits(const odeon_ode *ode, const odeon_layer_call *call, int32_t keep)
{
    const sample_lanes *x = &ode->samples->side;
    bool given = !x->needs_given || (call->batch_field == batch_field && call->host != NULL);
    return x->prevented == NULL && given && ode->outputs.samples > 1 &&
           !(keep != 0 && x->keeps_other);
}

/* The worker is the samples' only one, and there are no slots that are those of all. */
static void begin_pass(odeon_ode *ode, const odeon_layer_call *call)
{
    ode_samples *x = ode->samples;
    worker_group_resolve(&x->alone);
    x->side.under_way = true;
    x->side.all = call->batch_field == batch_field ? call->host : NULL;
    x->call = *call;
    x->call.group = &x->alone.abi;
    x->call.slots = NULL;
    ode->tape.solver = ode->forward;
}

static odeon_status run_pass(odeon_ode *ode, int32_t keep, ode_pass pass)
{
    ode_outputs *o = &ode->outputs;
    const double *times = o->times;
    o->times = o->own_times != NULL ? o->own_times : times; /* those of one stand for all */
    odeon_status status = pass(ode, keep);
    o->times = times;
    ode->samples->side.under_way = false;
    return status;
}

/* Why a solve was left undone is nobody's failure. */
odeon_status sample_lanes_forward(odeon_ode *ode, const odeon_layer_call *call, int32_t keep,
                                  ode_pass pass, bool *done)
{
    sample_lanes *x = &ode->samples->side;
    int64_t calls, rows;
    x->held = x->kept = *done = false;
    if (!suits(ode, call, keep)) {
        return ODEON_OK;
    }
    lanes_reset_peak(x->lanes);
    begin_pass(ode, call);
    odeon_status status = run_pass(ode, keep, pass);
    *done = x->held;
    if (!x->held && status == ODEON_ERR_UNSUPPORTED) {
        diag_clear();
        status = ODEON_OK;
    }
    lanes_counts(x->lanes, &calls, &rows);
    ode->field.evals = x->held ? rows : 0;
    return status;
}

odeon_status sample_lanes_backward(odeon_ode *ode, const odeon_layer_call *call, ode_pass pass,
                                   bool *done)
{
    sample_lanes *x = &ode->samples->side;
    begin_pass(ode, call);
    x->spoilt = false;
    odeon_status status = run_pass(ode, 1, pass);
    *done = !x->spoilt;
    if (x->spoilt && status == ODEON_ERR_UNSUPPORTED) {
        diag_clear();
        status = ODEON_OK;
    }
    return status;
}

int64_t sample_lanes_peak_bytes(const odeon_ode *ode)
{
    const sample_lanes *x = &ode->samples->side;
    return lanes_peak_bytes(x->lanes) + (x->kept ? x->start.bytes : 0) + x->sums.bytes;
}

/* ---- services ---- */

static odeon_status leave(const odeon_ode *ode)
{
    return diag_fail(ODEON_ERR_UNSUPPORTED, "%s: its samples are solved one by one", ode->path);
}

static odeon_tensor start_of(const odeon_ode *ode)
{
    int64_t n = ode->outputs.samples * odeon_count(&ode->body->in);
    return odeon_tensor_at(ode->samples->side.start.data,
                           (odeon_shape){.ndim = 1, .dtype = ode->lane.dtype, .dim = {n}});
}

odeon_view sample_lanes_start(const odeon_ode *ode)
{
    return start_of(ode).view;
}

/* A solve may be in place, and its vectors are taken for cotangents later. */
static odeon_status keep_start(odeon_ode *ode, const odeon_view *y0)
{
    ODEON_TRY(buffer_fit(ode->lane.device, &ode->samples->side.start, odeon_bytes(&y0->shape)));
    odeon_tensor start = start_of(ode);
    return ODEON_DO(ode->lane.device, move, copy, ode->lane.queue, .x = y0, .y = &start);
}

odeon_status sample_lanes_solve(odeon_ode *ode, const odeon_gradient_solve *solve)
{
    sample_lanes *x = &ode->samples->side;
    const ode_outputs *o = &ode->outputs;
    const lanes_task task = {.field = {.self = ode, .fit = fit_rows},
                             .rows = o->samples,
                             .width = odeon_count(&ode->body->in),
                             .n_times = solve->n_times,
                             .keep = solve->keep == ODEON_KEEP_FRAMES,
                             .times = solve->times,
                             .own = o->own_times,
                             .y = solve->y};
    bool whole = solve->n_times == o->n_times && solve->times == o->times;
    if ((solve->keep & ~(uint32_t)ODEON_KEEP_FRAMES) != 0 || !whole || x->held) {
        x->keeps_other = true;
        x->held = false;
        return leave(ode);
    }
    ODEON_TRY(task.keep ? keep_start(ode, &solve->y[0].view) : ODEON_OK);
    ODEON_TRY(lanes_solve(x->lanes, &task, &x->held));
    x->kept = x->held && task.keep;
    return x->held ? ODEON_OK : leave(ode);
}

/* ---- the reverse ---- */

/* As those of the body's parameters. */
static odeon_status clear_sums(odeon_ode *ode, int64_t n, odeon_tensor *out)
{
    const odeon_shape shape = {.ndim = 1, .dtype = ode->lane.dtype, .dim = {n}};
    ODEON_TRY(buffer_fit(ode->lane.device, &ode->samples->side.sums, odeon_bytes(&shape)));
    *out = odeon_tensor_at(ode->samples->side.sums.data, shape);
    return ODEON_DO(ode->lane.device, move, fill, ode->lane.queue, .y = out,
                    .value = odeon_imm(0.0));
}

/* A sum of squares is NaN where a number is. Waits for the device. */
static odeon_status has_nan(const odeon_ode *ode, const odeon_view *x, bool *out)
{
    double *slots = solver_slots(ode->forward), sum;
    ODEON_TRY(ODEON_DO(ode->lane.device, solver, dot, ode->lane.queue, .a = x, .b = x,
                       .slots = slots, .slot = ODEON_SLOT_USER));
    ODEON_TRY(ode->lane.device->ops->slots_read(ode->lane.queue, slots, ODEON_SLOT_USER, 1, &sum));
    *out = isnan(sum);
    return ODEON_OK;
}

/* Gradients go into sums meanwhile, and elsewhere again whatever becomes of the calls. */
static odeon_status reverse_into(odeon_ode *ode, const odeon_view *d_y, const odeon_tensor *sums,
                                 int64_t begin)
{
    char *data = odeon_write(sums);
    net_bind_grads(ode->body, data - begin * odeon_dtype_bytes(ode->lane.dtype));
    odeon_status status = lanes_reverse_steps(ode->samples->side.lanes, d_y);
    status = status == ODEON_OK ? net_finish(ode->body, &ode->samples->call) : status;
    net_bind_grads(ode->body, ode->site->grads);
    return status;
}

/* Rejected steps must leave no trace in the gradients: these are looked at before they are added,
 * where there are such steps. */
static odeon_status reverse_steps(odeon_ode *ode, const odeon_view *d_y)
{
    sample_lanes *x = &ode->samples->side;
    int64_t begin, end;
    odeon_tensor sums;
    net_param_range(ode->body, &begin, &end);
    if (begin == end || !lanes_has_rejected(x->lanes)) {
        return lanes_reverse_steps(x->lanes, d_y);
    }
    ODEON_TRY(clear_sums(ode, end - begin, &sums));
    ODEON_TRY(reverse_into(ode, d_y, &sums, begin));
    ODEON_TRY(has_nan(ode, &sums.view, &x->spoilt));
    if (x->spoilt) {
        return leave(ode);
    }
    odeon_tensor grads = odeon_tensor_at(
        ode->site->grads + begin * odeon_dtype_bytes(ode->lane.dtype), sums.view.shape);
    const odeon_view *terms[1] = {&sums.view};
    const odeon_scalar one[1] = {odeon_imm(1.0)};
    return ODEON_DO(ode->lane.device, solver, lincomb, ode->lane.queue, .y = &grads,
                    .base = &grads.view, .n = 1, .x = terms, .coefficient = one);
}

/* All steps of all samples, which have no common numbers. */
odeon_status sample_lanes_reverse(odeon_ode *ode, const odeon_gradient_reverse *r)
{
    const sample_lanes *x = &ode->samples->side;
    bool whole = r->first == 0 && r->last == lanes_most_steps(x->lanes) && r->d_end == NULL &&
                 r->d_start != NULL;
    if (!whole) {
        return diag_fail(ODEON_ERR_UNSUPPORTED,
                         "%s: steps of samples side by side are reversed all at once", ode->path);
    }
    ODEON_TRY(reverse_steps(ode, r->d_y));
    return lanes_reverse_start(x->lanes, r->d_y, r->d_start);
}
