/* After a batch has gone astray: take back what it changed, find out where it began, and keep what
 * is needed to see it again. Only reads and copies on the caller's thread; the workers are at rest.
 */
#include "session/failure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "ode/ode.h"
#include "odeon/device_move.h"
#include "session/curves.h"
#include "session/describe.h"
#include "session/members.h"
#include "session/slice.h"
#include "session/transfer.h"
#include "session/weights.h"

const session_batch *session_failed_batch(const session *s)
{
    return s->failed_batch.field[ODEON_ROLE_INPUT] != NULL ? &s->failed_batch : NULL;
}

/* ---- what is undone ---- */

/* Layers such as batchnorm have updated their running state on the way forward. part: puts back
 * what the part of the step found, else what the step did. */
static odeon_status restore_states(session *s, bool part)
{
    for (int32_t rank = 0; rank < s->n_workers && s->model.params.state > 0; rank++) {
        worker *w = &s->workers[rank];
        char *kept = part ? w->states_part.data : w->states_before.data;
        odeon_tensor now = model_flat(&s->model, w->states.data, 0, s->model.params.state);
        odeon_tensor before = model_flat(&s->model, kept, 0, s->model.params.state);
        ODEON_TRY(ODEON_DO(s->model.device, move, copy, w->site.lane.queue, .x = &before.view,
                           .y = &now));
        ODEON_TRY(s->model.device->ops->wait(w->site.lane.queue));
    }
    return ODEON_OK;
}

odeon_status session_undo_states(session *s)
{
    return restore_states(s, false);
}

odeon_status session_save_failed(session *s, const char *path)
{
    if (s->failed_batch.offset == 0) {
        return session_save(s, path);
    }
    ODEON_TRY(restore_states(s, true));
    odeon_status status = session_save(s, path);
    odeon_status back = restore_states(s, false);
    return status != ODEON_OK ? status : back;
}

/* ---- the snapshot of the batch ---- */

/* Has every worker loaded its slice, and are the parameters still those of before the batch? */
static bool is_whole(const session *s)
{
    bool whole = true;
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        whole = whole && s->workers[rank].n_loaded >= 0 && !s->workers[rank].is_updating;
    }
    return whole;
}

/* Gathers a field of the whole batch from the workers, if the batch has it. */
static odeon_status snapshot_field(session *s, int32_t role, session_batch *out)
{
    const odeon_tensor *first = &s->workers[0].fields.of[role];
    if (first->view.data == NULL) {
        return ODEON_OK;
    }
    odeon_tensor all = *first;
    all.view.shape.dim[0] = out->n;
    out->field[role] = mem_zalloc((size_t)odeon_count(&all.view.shape), sizeof *out->field[role]);
    if (out->field[role] == NULL) {
        return ODEON_ERR_NOMEM;
    }
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        worker *w = &s->workers[rank];
        int64_t n;
        int64_t start = worker_slice(w, out->n, &n);
        ODEON_TRY(worker_give_back(w, &w->fields.of[role], start, out->field[role]));
    }
    return ODEON_OK;
}

/* A test has none. */
static void take_factors(const session *s, session_batch *out)
{
    const curve *curves = session_curves(s);
    out->n_factors = out->training && curves != NULL ? s->model.config->n_curves : 0;
    for (size_t i = 0; i < out->n_factors; i++) {
        out->factors[i] = curves[i].factor;
    }
}

/* All that is needed to run the batch again in another process, which may not have the data set. */
static odeon_status snapshot(session *s, const batch *b, session_batch *out)
{
    size_t n = (size_t)b->n;
    *out = (session_batch){.training = batch_trains(b->mode),
                           .n = b->n,
                           .offset = b->offset,
                           .epoch = b->epoch,
                           .step = b->step};
    take_factors(s, out);
    if (b->indices != NULL) {
        out->indices = mem_zalloc(n, sizeof *out->indices);
        if (out->indices == NULL) {
            return ODEON_ERR_NOMEM;
        }
        memcpy(out->indices, b->indices, n * sizeof *out->indices);
    }
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        ODEON_TRY(snapshot_field(s, role, out));
    }
    return ODEON_OK;
}

/* ---- the cause ---- */

/* The worst of all workers' findings, its sample counted in the whole batch. */
typedef struct origin {
    solve_worst worst;
    bool backward;
} origin;

/* NaN is worse than any number, and of two NaN the first that was found stays: lower ranks are
 * asked first. */
static bool is_worse(const solve_worst *a, const solve_worst *b)
{
    if (b->part == NULL) {
        return true;
    }
    return isnan(a->error) ? !isnan(b->error) : !isnan(b->error) && a->error > b->error;
}

/* first is where the solver's samples begin in the batch: it counts them from 0. */
static void ask_solver(const solver *solve, bool backward, int64_t first, origin *out)
{
    const solve_diagnosis *d = solver_diagnosis(solve);
    if (d->failed && d->worst.part != NULL && is_worse(&d->worst, &out->worst)) {
        *out = (origin){.worst = d->worst, .backward = backward};
        out->worst.sample += first;
    }
}

/* Of one batch at most one solve fails on a worker, but which block's and in which direction is not
 * known here. */
static void ask_worker(const worker *w, int64_t n, origin *out)
{
    int64_t count, first = worker_slice(w, n, &count);
    for (size_t i = 0; i < w->site.n_odes; i++) {
        const odeon_ode *ode = w->site.odes[i];
        int64_t begin = first + ode_sample_under_way(ode);
        ask_solver(ode->forward, false, begin, out);
        ask_solver(ode->backward, true, begin, out);
    }
}

/* " 5 of the batch (217 of the data set)" */
static void name_sample(const batch *b, int64_t sample, char *text, size_t bytes)
{
    int n = snprintf(text, bytes, "%lld of the batch", (long long)sample);
    if (b->indices != NULL && n > 0 && (size_t)n < bytes) {
        (void)snprintf(text + n, bytes - (size_t)n, " (%lld of the data set)",
                       (long long)b->indices[sample]);
    }
}

/* The first sample of a worker's output with a value that is not finite; -1: none. */
static int64_t bad_output(session *s, worker *w, int64_t n)
{
    odeon_tensor out = odeon_tensor_at(w->output.data, w->net->out);
    int64_t first = worker_slice(w, n, &out.view.shape.dim[0]), size = session_output_size(s),
            found = -1;
    double *values = mem_zalloc((size_t)(n * size) + 1, sizeof *values);
    if (values != NULL && w->n_output >= 0 &&
        worker_give_back(w, &out, first, values) == ODEON_OK) {
        for (int64_t i = first * size; i < (first + out.view.shape.dim[0]) * size && found < 0;
             i++) {
            found = isfinite(values[i]) ? -1 : i / size;
        }
    }
    mem_free(values);
    return found;
}

/* Where no solve failed, the output says which sample it was, if it came that far. */
static void blame_output(session *s, const batch *b, char *text, size_t bytes)
{
    int64_t found = -1;
    for (int32_t rank = 0; rank < s->n_workers && found < 0; rank++) {
        found = bad_output(s, &s->workers[rank], b->n);
    }
    if (found >= 0) {
        char sample[96];
        name_sample(b, found, sample, sizeof sample);
        (void)snprintf(text, bytes, "; first sample whose output is not finite: %s", sample);
    }
}

/* The first parameter whose gradient is not finite. */
static void blame_gradient(session *s, char *text, size_t bytes)
{
    bool finite = true;
    for (size_t i = 0; i < s->model.params.n && finite; i++) {
        const param *p = &s->model.params.list[i];
        finite = p->role == ODEON_PARAM_STATE || transfer_gradient_is_finite(s, p);
        if (!finite) {
            (void)snprintf(text, bytes, "; first parameter whose gradient is not finite: %s",
                           p->path);
        }
    }
}

/* Says what failed nearest to the cause: a solve's worst sample, else an output, else a
 * gradient. text stays empty where none of them is known. */
static void blame(session *s, const batch *b, char *text, size_t bytes)
{
    origin found = {.backward = false};
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        ask_worker(&s->workers[rank], b->n, &found);
    }
    text[0] = '\0';
    if (found.worst.part == NULL) {
        blame_output(s, b, text, bytes);
        if (text[0] == '\0' && s->workers[0].has_gradient) {
            blame_gradient(s, text, bytes);
        }
        return;
    }
    char sample[96], how[48];
    name_sample(b, found.worst.sample, sample, sizeof sample);
    (void)snprintf(how, sizeof how,
                   isnan(found.worst.error)              ? "not finite"
                   : found.worst.error == WORST_UNSOLVED ? "a stage of it not solved"
                                                         : "its own scaled error %.3g",
                   found.worst.error);
    (void)snprintf(text, bytes, "; worst sample: %s, by part %s of the solve %s, %s", sample,
                   found.worst.part, found.backward ? "backward" : "forward", how);
}

static bool has_failed(const odeon_ode *ode)
{
    return solver_diagnosis(ode->forward)->failed || solver_diagnosis(ode->backward)->failed;
}

/* All workers fail in the same solve, unless samples are solved by themselves: then it is the first
 * worker that has failed. */
static const worker *failed_worker(const session *s)
{
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        const net_site *site = &s->workers[rank].site;
        for (size_t i = 0; i < site->n_odes; i++) {
            if (has_failed(site->odes[i])) {
                return &s->workers[rank];
            }
        }
    }
    return &s->workers[0];
}

/* Did the right-hand side of a solve that failed go astray, and not the solver? */
static bool has_failed_field(const session *s)
{
    const net_site *site = &failed_worker(s)->site;
    bool found = false;
    for (size_t i = 0; i < site->n_odes; i++) {
        const solver *both[2] = {site->odes[i]->forward, site->odes[i]->backward};
        for (int k = 0; k < 2; k++) {
            const solve_diagnosis *d = solver_diagnosis(both[k]);
            found = found || (d->failed && d->cause.kind != CAUSE_NONE);
        }
    }
    return found;
}

/* Only weights that training has moved can have moved too far. */
static const char *advice(const session *s, const batch *b)
{
    return (b->mode == BATCH_TRAIN || b->mode == BATCH_REPEAT) && b->step > 1 && has_failed_field(s)
               ? "; if training diverges, a smaller learning rate, clip_norm, or a bounded "
                 "activation may help"
               : "";
}

/* The failed batch is kept only where running it again would fail again: with all of its fields,
 * and with the parameters that it had. */
void session_explain_failure(session *s, const batch *b)
{
    char worst[256];
    diag_reason reason = diag_take();
    blame(s, b, worst, sizeof worst);
    odeon_status status = batch_trains(b->mode) ? restore_states(s, false) : ODEON_OK;
    if (status == ODEON_OK && b->mode != BATCH_PREDICT && is_whole(s)) {
        status = snapshot(s, b, &s->failed_batch);
    }
    if (status != ODEON_OK) {
        session_batch_fini(&s->failed_batch);
    }
    diag_clear();
    (void)diag_fail(ODEON_ERR_NUMERIC, "%s%s%s", reason.text, worst, advice(s, b));
}

/* ---- the steps ---- */

/* Of a failed solve backward its own attempts are of interest, not those of the solve forward; of
 * samples that are solved by themselves those of the one that failed. */
odeon_status session_write_attempts(session *s, const char *folder)
{
    const net_site *site = &failed_worker(s)->site;
    for (size_t i = 0; i < site->n_odes; i++) {
        const odeon_ode *ode = site->odes[i];
        bool backward = solver_diagnosis(ode->backward)->failed;
        const solver *solve = backward ? ode->backward : ode->forward;
        size_t n;
        const solve_attempt *attempts = solver_attempts(solve, &n);
        if (n == 0 && !solver_diagnosis(solve)->failed) {
            continue;
        }
        char *path = mem_printf("%s/steps-%s.csv", folder, ode->path);
        odeon_status status = path != NULL ? attempts_write(path, n, attempts)
                                           : diag_fail(ODEON_ERR_NOMEM, "%s: no memory", folder);
        mem_free(path);
        ODEON_TRY(status);
    }
    return ODEON_OK;
}
