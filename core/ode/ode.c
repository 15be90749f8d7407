/* The life of one ODE block: what is refused when it is made, and its forward and backward pass.
 * All that can be known from the INI is checked at creation, before any data is read. */
#include "ode/ode.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "ode/backward.h"
#include "ode/events.h"
#include "ode/integrals.h"
#include "ode/outputs.h"
#include "ode/samples.h"
#include "ode/time.h"
#include "ode/tolerances.h"
#include "odeon/device_solver.h"
#include "plugin/calling.h"
#include "plugin/words.h"
#include "solver/control_hints.h"

static odeon_status no_memory(const char *path)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for the ODE block", path);
}

/* ---- set-up ---- */

/* Also of a block that could not be completed. Solvers go first: their recordings hold addresses of
 * what follows. */
static void ode_destroy(odeon_ode *ode)
{
    if (ode == NULL) {
        return;
    }
    const odeon_device *device = ode->site->lane.device;
    samples_fini(ode);
    solver_destroy(ode->forward);
    ode_backward_fini(ode);
    block_field_fini(&ode->field, device);
    adjoint_field_fini(&ode->adjoint, device);
    buffer_release(device, &ode->state_bar);
    tolerances_fini(ode);
    quadrature_fini(&ode->integrals);
    ode_outputs_fini(ode);
    stepper_destroy(ode->stepper);
    instance_destroy(ode->gradient);
    mem_free(ode->samples);
    mem_free(ode->replay);
    mem_free(ode->replay_path);
    mem_free(ode->path);
    mem_free(ode);
}

/* f must map y to a vector of its shape, and so must each of its terms. A nested solve would need
 * frames that hold all frames of an inner solve, for which there is no bound. */
static odeon_status check_body(const odeon_ode *ode, const odeon_net *body)
{
    char in[128], out[128];
    if (body->holds_ode) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: its body holds another ODE block; put them in a row", ode->path);
    }
    if (body->in.ndim != body->out.ndim ||
        memcmp(body->in.dim, body->out.dim, sizeof body->in.dim) != 0) {
        net_shape_text(&body->in, in, sizeof in);
        net_shape_text(&body->out, out, sizeof out);
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: dy/dt must have the shape of y, but the body makes %s of %s (last "
                         "layer %s)",
                         ode->path, out, in,
                         body->n > 0 ? body->layers[body->n - 1].path : "missing");
    }
    return ODEON_OK;
}

/* Does the integrator offer what the choice of steps asks for? Steps that are given need no error
 * estimate. */
static odeon_status check_method(const odeon_ode *ode)
{
    const char *id = ode->stepper->instance->component->id;
    if (stepper_splits(ode->stepper) && ode->field.terms.stiff == NULL) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: integrator %s treats the stiff term of a field implicitly and the "
                         "rest explicitly, but this field has no stiff term: put the layers of it "
                         "into a section named stiff below this one, or give another integrator",
                         ode->path, id);
    }
    if (ode->spec.mode != ODEON_STEPS_ADAPTIVE) {
        return ODEON_OK;
    }
    if (ode->stepper->info.embedded_order == 0) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: integrator %s estimates no error, so its steps cannot be adaptive: "
                         "give steps or step_size, or another integrator",
                         ode->path, id);
    }
    if ((ode->stepper->info.flags & ODEON_STEPPER_FIXED_H) != 0) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: integrator %s is for equal steps: give steps or step_size", ode->path,
                         id);
    }
    return ODEON_OK;
}

/* Times of the batch come with each batch and are checked there; here it is known only how many
 * there are, by the data set's field. */
static odeon_status check_times(const odeon_ode *ode)
{
    const odeon_ode_spec *spec = &ode->spec;
    int32_t bad;
    int64_t n = spec->n_times > 0 ? spec->n_times : ode->site->n_times;
    if (n == 0) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: times = batch, but the data set's samples have no times: list them",
                         ode->path);
    }
    if (spec->output == ODEON_OUTPUT_END ? n != 2 : n < 2 || n > INT32_MAX) {
        return diag_fail(ODEON_ERR_CONFIG, "%s: a solve needs a start and at least one time more",
                         ode->path);
    }
    if (!times_are_monotone(spec->n_times, spec->times, &bad)) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: times must rise or fall throughout, but number %d is %.9g and number "
                         "%d is %.9g",
                         ode->path, (int)bad, spec->times[bad - 1], (int)bad + 1, spec->times[bad]);
    }
    return ODEON_OK;
}

/* Stops within the times. Of times of a batch nothing is known yet: there any finite stop may be
 * meant, and those outside of a batch's times have no effect on it. Written so that NaN fails. */
static odeon_status check_stops(const odeon_ode *ode)
{
    const odeon_ode_spec *spec = &ode->spec;
    int32_t n = spec->n_times;
    double first = n > 0 ? fmin(spec->times[0], spec->times[n - 1]) : -(double)INFINITY;
    double last = n > 0 ? fmax(spec->times[0], spec->times[n - 1]) : (double)INFINITY;
    for (int32_t i = 0; i < spec->n_stops; i++) {
        double stop = spec->stops[i];
        if (!(stop >= first && stop <= last && isfinite(stop))) {
            return diag_fail(ODEON_ERR_CONFIG,
                             "%s: the stop at %.9g lies outside of the solve, which goes from %.9g "
                             "to %.9g",
                             ode->path, stop, n > 0 ? spec->times[0] : first,
                             n > 0 ? spec->times[n - 1] : last);
        }
    }
    return ODEON_OK;
}

/* Limits of the step that leave nothing to choose are refused before any data is read. first_step 0
 * stands for an automatic choice. */
static odeon_status check_limits(const odeon_ode *ode)
{
    const odeon_control *c = &ode->control;
    if (ode->spec.mode != ODEON_STEPS_ADAPTIVE) {
        return ODEON_OK;
    }
    if (!(c->h_min >= 0.0 && c->h_min < c->h_max)) {
        return diag_fail(ODEON_ERR_CONFIG, "%s: h_min = %g leaves no step below h_max = %g",
                         ode->path, c->h_min, c->h_max);
    }
    if (ode->spec.first_step > c->h_max ||
        (ode->spec.first_step > 0.0 && ode->spec.first_step < c->h_min)) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: first_step = %g is not between h_min = %g and h_max = %g", ode->path,
                         ode->spec.first_step, c->h_min, c->h_max);
    }
    return ODEON_OK;
}

/* The steps to make, which are the block's or those of its samples. */
static odeon_status read_replay(odeon_ode *ode, const char *path)
{
    ode->replay_path = mem_strdup(path);
    if (ode->replay_path == NULL) {
        return no_memory(ode->path);
    }
    ode->spec.replay_path = ode->replay_path;
    return ode->samples != NULL ? samples_read_replay(ode, ode->replay_path)
                                : steps_read(ode->replay_path, &ode->replay, &ode->n_replay);
}

/* Tolerances and limits are those of control, whichever rule it is. */
static void choose_control(odeon_ode *ode)
{
    const odeon_control *given = ode->spec.control_implicit;
    if (given == NULL || !ode->stepper->implicit) {
        return;
    }
    odeon_control before = ode->control, *c = &ode->control;
    *c = *given;
    c->rtol = before.rtol;
    c->atol = before.atol;
    c->n_each = before.n_each;
    c->rtol_each = before.rtol_each;
    c->atol_each = before.atol_each;
}

static odeon_status check_terms(odeon_ode *ode)
{
    odeon_net *stiff = ode->field.terms.stiff;
    ODEON_TRY(check_body(ode, ode->body));
    ODEON_TRY(stiff != NULL ? check_body(ode, stiff) : ODEON_OK);
    ODEON_TRY(quadrature_init(&ode->integrals, ode->body));
    return stiff != NULL ? quadrature_init(&ode->integrals, stiff) : ODEON_OK;
}

/* In the order in which mistakes are reported: times and limits, body, list of steps,
 * integrator, gradient. Dense output is chosen only where it is read: it keeps slopes alive to
 * the end of a step. Two solvers, since the adjoint's solves must leave the tape of the forward
 * alone; both have the same steps to choose from. */
static odeon_status make_parts(odeon_ode *ode, const odeon_ode_spec *spec)
{
    ODEON_TRY(check_times(ode));
    ODEON_TRY(check_stops(ode));
    ODEON_TRY(check_limits(ode));
    ODEON_TRY(check_terms(ode));
    bool events = spec->event != NULL || spec->reset != NULL; /* each sample has its own */
    if (events || (spec->flags & ODEON_ODE_STEP_PER_SAMPLE) != 0) {
        ODEON_TRY(samples_init(ode));
    }
    if (spec->mode == ODEON_STEPS_ADAPTIVE) {
        ODEON_TRY(tolerances_init(ode));
    }
    ODEON_TRY(ode_outputs_init(ode));
    if (spec->mode == ODEON_STEPS_REPLAY) {
        ODEON_TRY(read_replay(ode, spec->replay_path));
    }
    /* the solver alone chooses steps that need not end at every time */
    bool steers = spec->mode == ODEON_STEPS_ADAPTIVE || spec->mode == ODEON_STEPS_REPLAY;
    int32_t dense = DENSE_UNUSED; /* fixed steps end at every time */
    if (steers && spec->output == ODEON_OUTPUT_ALL) {
        dense = DENSE_IF_OFFERED;
    }
    if (steers && spec->end == ODEON_END_INTERPOLATE) {
        dense = DENSE_REQUIRED;
    }
    ODEON_TRY(stepper_create(spec->integrator, ode->path, dense, &ode->stepper));
    ODEON_TRY(check_method(ode));
    ODEON_TRY(events_check_method(ode));
    ODEON_TRY(ode_check_integrals(ode));
    choose_control(ode);
    ODEON_TRY(instance_create(spec->gradient, ode->path, &ode->gradient));
    ode->gradient_ops = ode->gradient->component->ops;
    ODEON_TRY(ode_backward_init(ode, spec));
    ode->body->has_many_frames = (ode->gradient_flags & ODEON_GRADIENT_DISCRETE) != 0;
    control_hints_apply(ode->stepper->tableau, ode->stepper->info.order, &ode->spec, &ode->control);
    stepper_limit_growth(ode->stepper, &ode->control);
    ODEON_TRY(solver_create(&ode->lane, ode->stepper, &ode->spec, ode->path, &ode->forward));
    solver_share_memory(ode->backward, ode->forward);
    ode->tape.solver = ode->forward;
    solver_set_replay(ode->forward, ode->n_replay, (const double(*)[2])ode->replay);
    solver_set_replay(ode->backward, ode->n_replay, (const double(*)[2])ode->replay);
    return ode->samples != NULL ? sample_lanes_init(ode) : ODEON_OK;
}

/* The session finds its blocks in the site's list, in the order in which they were made, which is
 * that of the file. */
static odeon_status enlist(odeon_ode *ode)
{
    net_site *site = ode->site;
    odeon_ode **list = mem_grow(site->odes, site->n_odes, sizeof(odeon_ode *));
    if (list == NULL) {
        return no_memory(ode->path);
    }
    list[site->n_odes++] = ode;
    site->odes = list;
    return ODEON_OK;
}

/* The path is the layer's, for messages; host->self is its instance. The block is in the list only
 * once it is complete, and a warning about time is given only then. */
static odeon_status ode_create(const odeon_host *host, const odeon_ode_spec *spec, odeon_net *body,
                               odeon_ode **out)
{
    const instance *layer = host->self;
    *out = NULL;
    ODEON_TRY(words_check_call(spec, words_of_ode_spec));
    ODEON_TRY(words_check_call(spec->control, words_of_control));
    if (spec->control_implicit != NULL) {
        ODEON_TRY(words_check_call(spec->control_implicit, words_of_control));
    }
    odeon_ode *ode = mem_zalloc(1, sizeof *ode);
    if (ode == NULL) {
        return no_memory(layer->path);
    }
    ode->site = body->site;
    ode->lane = body->site->lane;
    ode->body = body;
    ode->field.terms.stiff = spec->stiff;
    ode->spec = *spec;
    ode->control = *spec->control;
    ode->spec.control = &ode->control;
    ode->path = mem_strdup(layer->path);
    odeon_status status = ode->path == NULL ? no_memory(layer->path) : make_parts(ode, spec);
    if (status == ODEON_OK) {
        status = enlist(ode);
    }
    if (status != ODEON_OK) {
        ode_destroy(ode);
        return status;
    }
    ode_time_init(ode);
    ode_time_check_spec(ode);
    ode->services = ode_solve_services(ode);
    ode->counters = (ode_counters){.path = ode->path,
                                   .per_sample = ode->samples != NULL,
                                   .drift = (double)NAN,
                                   .share = (double)NAN};
    *out = ode;
    return ODEON_OK;
}

/* ---- calls ---- */

/* The shape of y, which the body takes: the input's, that of one of its states [B, S, ...], or the
 * given start's [B, n]. Static, since the block does not exist yet when bodies are built. */
static odeon_status ode_body_in(const odeon_host *host, const odeon_ode_spec *spec,
                                const odeon_shape *in, odeon_shape *out)
{
    *out = *in;
    if (spec->initial == ODEON_INITIAL_LIST) {
        *out = (odeon_shape){
            .ndim = 2, .dtype = in->dtype, .dim = {in->dim[0], spec->n_initial_values}};
    } else if (spec->initial == ODEON_INITIAL_FIRST) {
        if (in->ndim < 3 || in->dim[1] == 0) {
            return odeon_fail(
                host, ODEON_ERR_CONFIG,
                "ode: initial = first takes the first of several states, so its input "
                "must be [samples, states, ...] and not of %d dimensions",
                (int)in->ndim);
        }
        out->ndim--;
        for (int32_t i = 1; i < out->ndim; i++) {
            out->dim[i] = in->dim[i + 1];
        }
        out->dim[out->ndim] = 0;
    }
    return ODEON_OK;
}

/* Input and output are needed in the backward pass only where the solve is done in place and the
 * gradient method asks for y; elsewhere the block keeps vectors of its own. */
static odeon_status ode_plan(odeon_ode *ode, odeon_layer_plan *plan)
{
    bool needs = !ode_is_apart(ode) && (ode->gradient_flags & ODEON_GRADIENT_NEEDS_Y) != 0;
    plan->flags = needs ? ODEON_LAYER_NEEDS_IN | ODEON_LAYER_NEEDS_OUT : 0;
    return ode_output_shape(ode, &plan->in, &plan->out);
}

/* The field of y [samples, ...], and what is integrated along with it. */
static odeon_status fit_field(odeon_ode *ode, const odeon_layer_call *call, const odeon_shape *y)
{
    quadrature *q = &ode->integrals;
    const odeon_part part = {.n = odeon_count(y),
                             .rows = y->dim[0],
                             .n_global = call->n_global * odeon_count(&ode->body->in)};
    if (q->n > 0) {
        q->direction = ode->outputs.times[1] > ode->outputs.times[0] ? 1.0 : -1.0;
    }
    ODEON_TRY(
        quadrature_fit(q, &part, y->dtype, (ode->spec.flags & ODEON_ODE_COUNT_INTEGRALS) != 0));
    return block_field_fit(&ode->field, ode->body, call, y, q);
}

/* Fits everything that depends on the batch's size. The slots of the forward solver are those that
 * layers in the body may refer to. A field of one sample is fitted once more to each. */
static odeon_status fit(odeon_ode *ode, const odeon_layer_call *call, int64_t samples)
{
    odeon_layer_call inside = *call;
    odeon_shape y = ode->body->in;
    y.dim[0] = ode->samples != NULL ? 1 : samples;
    inside.slots = solver_slots(ode->forward);
    ODEON_TRY(ode_times_fit(ode, call, samples));
    ODEON_TRY(fit_field(ode, &inside, &y));
    y.dim[0] = samples;
    int64_t bytes =
        ode->integrals.n > 0 ? ode->integrals.length * odeon_dtype_bytes(y.dtype) : odeon_bytes(&y);
    ODEON_TRY(buffer_fit(ode->site->lane.device, &ode->state_bar, bytes + 64));
    ODEON_TRY(ode_outputs_fit(ode));
    ode->field.evals = 0;
    return ODEON_OK;
}

/* A forward pass begins a new row of counters; what a backward adds later belongs to the same row.
 */
static void count_forward(odeon_ode *ode)
{
    const solve_stats *stats = &ode->forward_stats;
    ode->counters.evals_forward = ode->field.evals;
    ode->counters.accepted = stats->accepted;
    ode->counters.rejected = stats->rejected;
    ode->counters.h_min = stats->h_min;
    ode->counters.h_max = stats->h_max;
    if (ode->samples != NULL) {
        ode->counters.samples = ode->samples->n;
        ode->counters.steps_min = ode->samples->steps_min;
        ode->counters.steps_max = ode->samples->steps_max;
    }
    ode->counters.evals_backward = 0;
    ode->counters.accepted_backward = 0;
    ode->counters.rejected_backward = 0;
    ode->counters.drift = (double)NAN;
    ode->counters.share = (double)NAN;
    ode->has_share = false;
    ode->n_drifts = 0;
}

/* All that this batch takes beside one evaluation's scratch: peaks of both solvers, the field's own
 * frame and vectors, the augmented state, and the vectors of outputs. */
static int64_t bytes_used(const odeon_ode *ode)
{
    int64_t solvers = ode->samples != NULL
                          ? samples_peak_bytes(ode) + solver_peak_bytes(ode->backward)
                          : solver_peaks_bytes(ode->forward, ode->backward);
    return solvers + ode->field.work_bytes + ode->field.terms.summand_bytes +
           ode->adjoint.used_bytes + ode->outputs.used_bytes +
           ode->field.host.abi.n * odeon_dtype_bytes(ode->field.host.abi.dtype);
}

static odeon_solve_call solve_call(odeon_ode *ode)
{
    const ode_outputs *o = &ode->outputs;
    return (odeon_solve_call){.struct_size = sizeof(odeon_solve_call),
                              .services = &ode->services,
                              .field = &ode->field.host.abi,
                              .times = o->times,
                              .n_times = o->n_times,
                              .y = o->y,
                              .tape = &ode->tape};
}

/* With keep the gradient method solves, and chooses what is kept for its backward; without it
 * nothing is kept. */
static odeon_status solve_forward(odeon_ode *ode, int32_t keep)
{
    odeon_solve_call call = solve_call(ode);
    if (keep == 0) {
        const odeon_gradient_solve solve = {.struct_size = sizeof solve,
                                            .field = call.field,
                                            .times = call.times,
                                            .n_times = call.n_times,
                                            .y = call.y};
        return ode->services.solve(ode, &solve);
    }
    calling outer = calling_begin(ode->gradient, "forward");
    return calling_end(outer, ode->gradient_ops->forward(ode->gradient->self, &call));
}

/* Counters are taken also after a failure, since the metrics show it. The share is
 * measured in evaluation and where somebody asks, as it costs a collective. */
static odeon_status ode_forward(odeon_ode *ode, const odeon_layer_call *call, int32_t keep)
{
    const ode_outputs *o = &ode->outputs;
    bool measure = (call->flags & ODEON_CALL_TRAIN) == 0 || ode->measure_share;
    ODEON_TRY(tolerances_follow(ode));
    ODEON_TRY(fit(ode, call, call->in->shape.dim[0]));
    solver_forget(ode->forward);
    ode->forward_stats = solve_stats_none();
    /* a row's bytes are those of its forward and backward together */
    solver_reset_peak(ode->forward);
    solver_reset_peak(ode->backward);
    ode->adjoint.used_bytes = 0;
    ODEON_TRY(ode_take_start(ode, call->in, call->out));
    odeon_status status = ode->samples != NULL ? samples_forward(ode, call, keep, solve_forward)
                                               : solve_forward(ode, keep);
    count_forward(ode);
    if (status == ODEON_OK && ode->rounds_t != NULL) {
        double t0 = o->times[0], t1 = o->times[o->n_times - 1];
        double solves = ode->samples != NULL ? (double)ode->samples->n : 1.0;
        ode_time_check(ode, t0, t1, (t1 - t0) * solves / (double)ode->forward_stats.accepted);
    }
    if (status == ODEON_OK && measure) {
        odeon_view start = ode_start(ode, call->in), end = ode_end(ode);
        status = ode_measure_share(ode, &end, &start);
    }
    ode->counters.bytes = bytes_used(ode);
    return status == ODEON_OK ? ode_give_outputs(ode, call->out) : status;
}

/* The method gets y only with ODEON_GRADIENT_NEEDS_Y; d_y and d_y0 may share memory with what
 * the layer was given. */
static odeon_status solve_backward(odeon_ode *ode, int32_t keep)
{
    bool given = (ode->gradient_flags & ODEON_GRADIENT_NEEDS_Y) != 0;
    odeon_solve_call solve = solve_call(ode);
    (void)keep;
    solve.y = given ? solve.y : NULL;
    solve.d_y = ode->outputs.d_y;
    solve.d_y0 = &ode->outputs.d_y0;
    calling outer = calling_begin(ode->gradient, "backward");
    return calling_end(outer, ode->gradient_ops->backward(ode->gradient->self, &solve));
}

/* Everything is fitted again: evaluation of another batch may have come between. */
static odeon_status ode_vjp(odeon_ode *ode, const odeon_layer_call *call)
{
    ODEON_TRY(fit(ode, call, call->d_out->shape.dim[0]));
    solver_forget(ode->backward);
    ode->backward_stats = solve_stats_none();
    ode->drift = 0.0;
    ODEON_TRY(ode_take_cotangents(ode, call));
    odeon_status status =
        ode->samples != NULL ? samples_backward(ode, call, solve_backward) : solve_backward(ode, 1);
    ode->counters.evals_backward = ode->field.evals;
    ode->counters.accepted_backward = ode->backward_stats.accepted;
    ode->counters.rejected_backward = ode->backward_stats.rejected;
    ode->counters.bytes = bytes_used(ode);
    return status == ODEON_OK ? ode_give_cotangent(ode, call->d_in) : status;
}

/* ---- for the session ---- */

void ode_forget(odeon_ode *ode)
{
    if (ode->samples != NULL) {
        samples_forget(ode);
    }
    solver_forget(ode->forward);
    solver_forget(ode->backward);
}

int64_t ode_sample_under_way(const odeon_ode *ode)
{
    return ode->samples != NULL ? ode->samples->now : 0;
}

odeon_status ode_sample_attempts(odeon_ode *ode, int64_t sample, attempt_list *out)
{
    return samples_attempts(ode, sample, out);
}

const double *ode_sample_times(const odeon_ode *ode, int64_t sample)
{
    const ode_outputs *o = &ode->outputs;
    return o->own_times != NULL ? o->own_times + sample * o->n_times : o->times;
}

const odeon_ode_services ode_services = {.struct_size = sizeof(odeon_ode_services),
                                         .body_in = ode_body_in,
                                         .create = ode_create,
                                         .destroy = ode_destroy,
                                         .plan = ode_plan,
                                         .forward = ode_forward,
                                         .vjp = ode_vjp};
