#include "solver/state.h"

#include "base/diag.h"
#include "odeon/device_solver.h"

/* The parts of a state lie one after the other, with gaps for alignment. */
odeon_tensor part_tensor(const solver *s, bound_vector x, int32_t part)
{
    const odeon_part *p = &s->task.field->abi.parts[part];
    odeon_tensor tensor = vector_tensor(s, x);
    tensor.view.data = x.data + p->offset * odeon_dtype_bytes(tensor.view.shape.dtype);
    tensor.view.shape.dim[0] = p->n;
    return tensor;
}

/* One lincomb with y as its base. */
odeon_status vector_add(const solver *s, bound_vector y, const odeon_view *x)
{
    odeon_tensor out = vector_tensor(s, y);
    const odeon_view *terms[1] = {x};
    odeon_scalar one[1] = {odeon_imm(1.0)};
    return ODEON_DO(s->lane->device, solver, lincomb, s->lane->queue, .y = &out, .base = &out.view,
                    .n = 1, .x = terms, .coefficient = one);
}

odeon_status vector_hand_over(solver *s, bound_vector *target, bound_vector *x)
{
    odeon_status status = ODEON_OK;
    if (x->data != NULL && target->data == NULL) {
        *target = *x;
        *x = (bound_vector){0};
    } else if (x->data != NULL) {
        odeon_tensor term = vector_tensor(s, *x);
        status = vector_add(s, *target, &term.view);
    }
    workspace_release(&s->memory, x);
    return status;
}

/* Stage times are on the device, so that a replay sees those of its own step. */
odeon_tensor stage_time_tensor(const solver *s, int32_t eval)
{
    return (odeon_tensor){.view.data = s->slots + ODEON_SLOT_STAGE_T + eval,
                          .view.shape.dim = {1},
                          .view.shape.ndim = 1,
                          .view.shape.dtype = ODEON_DTYPE_F64};
}

/* Only the registers that the method has. */
void release_values(solver *s)
{
    for (int32_t i = 0; i < s->stepper->n_registers; i++) {
        workspace_release(&s->memory, &s->step.value[i]);
    }
}

void release_cotangents(solver *s)
{
    for (int32_t i = 0; i < s->stepper->n_registers; i++) {
        workspace_release(&s->memory, &s->step.cotangent[i]);
    }
}

void release_registers(solver *s)
{
    release_values(s);
    release_cotangents(s);
}

/* The field's own counter is what metrics show; the solve's is for messages. */
void count_evals(solver *s, int64_t n)
{
    s->log.evals += n;
    *s->task.field->evals += n;
}

/* Both are tried, also where the first has failed: what has grown stays grown. */
odeon_status reserve_host(solver *s, size_t n_records, size_t n_frames, size_t n_attempts)
{
    bool taped = solve_tape_reserve(&s->tape, n_records, n_frames);
    bool logged = solve_log_reserve(&s->log, n_attempts);
    return taped && logged ? ODEON_OK
                           : diag_fail(ODEON_ERR_NOMEM, "%s: no memory for the solver", s->path);
}

/* The numbers alone: contents are not copied, since operations only append. */
solver_mark solver_mark_here(const solver *s)
{
    return (solver_mark){.evals = s->log.evals,
                         .field_evals = *s->task.field->evals,
                         .index = s->step.index,
                         .next = s->outputs.next,
                         .n_attempts = s->log.n_attempts,
                         .n_records = s->tape.n_records,
                         .n_frames = s->tape.n_frames,
                         .stats = s->log.stats,
                         .peak = s->memory.peak,
                         .diagnosis = s->diagnosis};
}

/* Frames that were taken since are found by what is not on the tape. Frames of a step under way are
 * forgotten, not given back, because the list of free ones is made anew. */
void solver_rollback(solver *s, const solver_mark *mark)
{
    release_registers(s);
    s->log.evals = mark->evals;
    *s->task.field->evals = mark->field_evals;
    s->step.index = mark->index;
    s->outputs.next = mark->next;
    s->log.n_attempts = mark->n_attempts;
    s->log.stats = mark->stats;
    s->tape.n_records = mark->n_records;
    s->tape.n_frames = mark->n_frames;
    s->memory.peak = mark->peak;
    s->diagnosis = mark->diagnosis;
    for (int32_t i = 0; i < ODEON_MAX_STAGES; i++) {
        s->step.frames[i] = NULL;
    }
    workspace_retake_frames(&s->memory, s->tape.frames, mark->n_frames);
}

/* Attempts stay listed: the pass goes on. */
void solver_restart(solver *s)
{
    s->device.kept = 0;
    release_registers(s);
    solve_tape_clear(&s->tape, &s->memory);
    solve_log_restart(&s->log);
    s->first_attempt = s->log.n_attempts;
    s->step.index = 0;
}
