/* The services that a gradient method works with (odeon/gradient.h). A method sees fields, vectors
 * and times; everything that is kept between its forward and its backward is the block's. */
#include "ode/services.h"

#include <math.h>

#include "base/diag.h"
#include "device/worker_group.h"
#include "ode/outputs.h"
#include "ode/sample_lanes.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"
#include "plugin/words.h"
#include "solver/lanes_reverse.h"

/* Times come from a plugin here, so they are checked once more. */
static odeon_status check_times(const odeon_ode *ode, int32_t n, const double *times)
{
    int32_t bad;
    return n >= 2 && times_are_monotone(n, times, &bad)
               ? ODEON_OK
               : diag_fail(ODEON_ERR_PLUGIN,
                           "%s: gradient %s solves through times that do not rise or fall "
                           "throughout",
                           ode->path, ode->gradient->component->id);
}

static bool is_side_by_side(const odeon_ode *ode)
{
    return ode->samples != NULL && ode->samples->side.under_way;
}

/* The sample under way has been solved side by side with the others, and has its steps' sizes. */
static bool is_without_tape(const odeon_ode *ode)
{
    return ode->samples != NULL && ode->samples->side.held && !ode->samples->side.under_way;
}

/* Solves of the adjoint have a solver of their own, so that they leave the tape of the forward
 * alone. max_steps is one limit for all solves of a pass; a forward without events is one solve. */
static odeon_status serve_solve(void *self, const odeon_gradient_solve *solve)
{
    odeon_ode *ode = self;
    const host_field *host = solve->field->self;
    bool adjoint = host == &ode->adjoint.host;
    solver *s = adjoint ? ode->backward : ode->forward;
    ODEON_TRY(words_check_call(solve, words_of_gradient_solve));
    if (!adjoint && host != &ode->field.host) {
        return diag_fail(ODEON_ERR_UNSUPPORTED,
                         "%s: only the block's own field and its adjoint can be solved", ode->path);
    }
    ODEON_TRY(check_times(ode, solve->n_times, solve->times));
    if (is_side_by_side(ode)) {
        return adjoint ? diag_fail(ODEON_ERR_UNSUPPORTED,
                                   "%s: an adjoint is solved sample by sample", ode->path)
                       : sample_lanes_solve(ode, solve);
    }
    const solve_stats *before = adjoint ? &ode->backward_stats : &ode->forward_stats;
    bool one_of_many = adjoint || ode->spec.event != NULL;
    solver_set_steps_before(s, one_of_many ? before->accepted + before->rejected : 0);
    solver_keep_every(s, solve->keep_every);
    odeon_status status =
        solver_solve(s, host, solve->n_times, solve->times, (int32_t)solve->keep, solve->y);
    solve_stats stats = solver_stats(s);
    /* a pass may take several solves: one between each two times, on an adjoint's way back */
    solve_stats_add(adjoint ? &ode->backward_stats : &ode->forward_stats, &stats);
    return status;
}

/* ---- the tape ---- */

/* Running state has moved in the forward and must not move again on the way back. */
static odeon_status serve_replay(void *self, odeon_tape *tape, int64_t first, int64_t last)
{
    odeon_ode *ode = self;
    ode->field.call.flags &= ~(uint32_t)ODEON_CALL_UPDATE_STATE;
    return solver_replay(tape->solver, first, last);
}

/* Frames are of the block's own field, whose calls must not move running state either. */
static odeon_status serve_reverse(void *self, const odeon_gradient_reverse *reverse)
{
    odeon_ode *ode = self;
    ODEON_TRY(words_check_call(reverse, words_of_gradient_reverse));
    ode->field.call.flags &= ~(uint32_t)ODEON_CALL_UPDATE_STATE;
    return is_side_by_side(ode) ? sample_lanes_reverse(ode, reverse)
                                : solver_reverse_steps(reverse->tape->solver, reverse);
}

static odeon_status serve_tape_info(void *self, const odeon_tape *tape, odeon_tape_info *out)
{
    const odeon_ode *ode = self;
    if (is_side_by_side(ode)) {
        out->n_steps = lanes_most_steps(ode->samples->side.lanes);
        out->keep = ODEON_KEEP_FRAMES;
        return ODEON_OK;
    }
    if (is_without_tape(ode)) {
        out->n_steps = lanes_log(ode->samples->side.lanes, ode->samples->now)->stats.accepted;
        out->keep = ODEON_KEEP_NONE;
        return ODEON_OK;
    }
    out->n_steps = solver_n_steps(tape->solver);
    out->keep = (uint32_t)solver_kept(tape->solver, &out->keep_every);
    return ODEON_OK;
}

static odeon_status serve_tape_step(void *self, const odeon_tape *tape, int64_t step,
                                    odeon_tape_step *out)
{
    const odeon_ode *ode = self;
    if (!is_without_tape(ode)) {
        return solver_step(tape->solver, step, out);
    }
    const solve_log *log = lanes_log(ode->samples->side.lanes, ode->samples->now);
    if (step < 0 || step >= log->stats.accepted) {
        return diag_fail(ODEON_ERR_UNSUPPORTED, "%s: there is no step %lld of the solve's %lld",
                         ode->path, (long long)step, (long long)log->stats.accepted);
    }
    const solve_attempt *attempt = solve_log_step(log, 0, step);
    out->t = attempt->t;
    out->h = attempt->h;
    out->y = (odeon_view){.shape.ndim = 1};
    return ODEON_OK;
}

static odeon_status serve_dense(void *self, const odeon_tape *tape, double t, const odeon_tensor *y)
{
    (void)self;
    return solver_dense(tape->solver, t, y);
}

/* ---- the continuous adjoint ---- */

/* The state of the augmented field starts at zero; the method fills in y and a. */
static odeon_status serve_augment(void *self, const odeon_field *field, int32_t flags,
                                  const odeon_tape *path, const odeon_field **out,
                                  odeon_tensor *state)
{
    odeon_ode *ode = self;
    ODEON_TRY(words_check_call(&flags, words_of_augment));
    if (field->self != &ode->field) {
        return diag_fail(ODEON_ERR_UNSUPPORTED, "%s: this augmented field cannot be made yet",
                         ode->path);
    }
    ODEON_TRY(adjoint_field_fit(&ode->adjoint, &ode->field, ode->body, flags,
                                path != NULL ? path->solver : NULL));
    *out = &ode->adjoint.host.abi;
    *state = odeon_tensor_at(ode->adjoint.state.data,
                             (odeon_shape){.ndim = 1, .dtype = (*out)->dtype, .dim = {(*out)->n}});
    return ODEON_DO(ode->site->lane.device, move, fill, ode->site->lane.queue, .y = state,
                    .value = odeon_imm(0.0));
}

/* Gradients of the parameters are summed over the workers later, with all others: where each worker
 * holds its own summand all add it, and where all hold the same sum it counts once. */
static odeon_status serve_add_theta(void *self, const odeon_field *augmented,
                                    const odeon_view *state)
{
    const odeon_ode *ode = self;
    const adjoint_field *f = &ode->adjoint;
    odeon_view theta = adjoint_field_theta(f, state);
    if (augmented->self != f) {
        return diag_fail(ODEON_ERR_UNSUPPORTED, "%s: not the augmented field of this block",
                         ode->path);
    }
    if ((f->flags & ODEON_AUGMENT_FULL) != 0 && ode->lane.group->abi.rank != 0) {
        return ODEON_OK; /* all hold the same sum, which counts once */
    }
    odeon_tensor grads = odeon_tensor_at(
        ode->site->grads + f->theta_begin * odeon_dtype_bytes(theta.shape.dtype), theta.shape);
    const odeon_view *x[1] = {&theta};
    odeon_scalar one[1] = {odeon_imm(1.0)};
    return ODEON_DO(ode->site->lane.device, solver, lincomb, ode->site->lane.queue, .y = &grads,
                    .base = &grads.view, .n = 1, .x = x, .coefficient = one);
}

/* ---- what is measured, and read later ---- */

/* Layout of the measures, two slots each: the share, then drifts until the slots are full. */
enum { SHARE_AT = 0, DRIFTS_AT = 2, MOST_DRIFTS = (ODEON_SLOTS - DRIFTS_AT) / 2 };

/* ||y - y0||^2 and ||y0||^2, summed over the workers of a group, at two numbers of the measures. A
 * failure before the collective is shared, so that no other worker waits for this one. */
static odeon_status measure(odeon_ode *ode, worker_group *workers, const odeon_view *y,
                            const odeon_view *y0, int32_t at)
{
    const net_site *site = ode->site;
    odeon_tensor difference = odeon_tensor_at(ode->state_bar.data, y->shape);
    const odeon_view *x[1] = {y0};
    odeon_scalar minus[1] = {odeon_imm(-1.0)};
    odeon_status status =
        ODEON_DO(site->lane.device, solver, lincomb, site->lane.queue, .y = &difference, .base = y,
                 .n = 1, .x = x, .coefficient = minus);
    if (status == ODEON_OK) {
        status = ODEON_DO(site->lane.device, solver, dot, site->lane.queue, .a = &difference.view,
                          .b = &difference.view, .slots = ode->measured, .slot = at);
    }
    if (status == ODEON_OK) {
        status = ODEON_DO(site->lane.device, solver, dot, site->lane.queue, .a = y0, .b = y0,
                          .slots = ode->measured, .slot = at + 1);
    }
    if (status != ODEON_OK) {
        return worker_group_share(workers, status);
    }
    const odeon_group *group = &workers->abi;
    return group->reduce_slots(group->self, site->lane.queue, ode->measured, at, 2, 0, ODEON_OK);
}

/* Nothing is read here: that would wait for the device in every batch. It is of the whole batch,
 * whoever solves a sample. */
odeon_status ode_measure_share(odeon_ode *ode, const odeon_view *y, const odeon_view *y0)
{
    ODEON_TRY(measure(ode, ode->site->lane.group, y, y0, SHARE_AT));
    ode->has_share = true;
    return ODEON_OK;
}

/* Squares of norms are on the device; the ratio of the norms is what is shown. */
static double ratio_at(const double *measured, int32_t at)
{
    return sqrt(measured[at] / measured[at + 1]);
}

bool ode_is_measured(const odeon_ode *ode)
{
    return ode->has_share || ode->n_drifts > 0;
}

/* measured holds all ODEON_SLOTS as they were read with the batch's other numbers. The largest
 * drift of a pass counts, and NAN is larger than all. */
void ode_take_measures(odeon_ode *ode, const double *measured)
{
    double *worst = &ode->drift;
    if (ode->has_share) {
        ode->counters.share = ratio_at(measured, SHARE_AT);
    }
    for (int32_t i = 0; i < ode->n_drifts; i++) {
        double drift = ratio_at(measured, DRIFTS_AT + 2 * i);
        *worst = isnan(*worst) || *worst > drift ? *worst : drift;
        ode->counters.drift = *worst;
    }
    ode->has_share = false;
    ode->n_drifts = 0;
}

/* If the measures are full, the host reads those so far and begins anew: the largest is kept in the
 * block. */
static odeon_status serve_drift(void *self, const odeon_view *y, const odeon_view *y0)
{
    odeon_ode *ode = self;
    if (ode->n_drifts == MOST_DRIFTS) {
        double values[ODEON_SLOTS];
        ODEON_TRY(ode->site->lane.device->ops->slots_read(ode->site->lane.queue, ode->measured, 0,
                                                          ODEON_SLOTS, values));
        ode_take_measures(ode, values);
    }
    ODEON_TRY(measure(ode, ode->lane.group, y, y0, DRIFTS_AT + 2 * ode->n_drifts));
    ode->n_drifts++;
    return ODEON_OK;
}

/* Methods copy states onto themselves where a solve is in place. */
static odeon_status serve_copy(void *self, const odeon_view *x, const odeon_tensor *y)
{
    const odeon_ode *ode = self;
    return odeon_read(x) == odeon_read(&y->view) ? ODEON_OK
                                                 : ODEON_DO(ode->site->lane.device, move, copy,
                                                            ode->site->lane.queue, .x = x, .y = y);
}

/* y += x. */
static odeon_status serve_add(void *self, const odeon_view *x, const odeon_tensor *y)
{
    const odeon_ode *ode = self;
    const odeon_view *terms[1] = {x};
    odeon_scalar one[1] = {odeon_imm(1.0)};
    return ODEON_DO(ode->site->lane.device, solver, lincomb, ode->site->lane.queue, .y = y,
                    .base = &y->view, .n = 1, .x = terms, .coefficient = one);
}

/* A table for the life of the block: self is the block, and nothing in it changes. */
odeon_solve_services ode_solve_services(odeon_ode *ode)
{
    return (odeon_solve_services){.struct_size = sizeof(odeon_solve_services),
                                  .self = ode,
                                  .solve = serve_solve,
                                  .replay = serve_replay,
                                  .reverse = serve_reverse,
                                  .tape_info = serve_tape_info,
                                  .tape_step = serve_tape_step,
                                  .dense = serve_dense,
                                  .augment = serve_augment,
                                  .add_theta = serve_add_theta,
                                  .drift = serve_drift,
                                  .copy = serve_copy,
                                  .add = serve_add};
}
