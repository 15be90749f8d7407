/* A step is made by the same calls from the same state as in the solve, so that frames and
 * cotangents have the same bits as if the solve had kept them. */
#include "solver/stretch.h"

#include <math.h>

#include "base/diag.h"
#include "odeon/device_move.h"
#include "solver/outputs.h"
#include "solver/reverse.h"
#include "solver/step.h"

/* ---- forward ---- */

/* What step first starts from, to Y0 and carry in. */
static void bind_state(solver *s, int64_t first)
{
    const bound_vector *state = kept_steps_state(&s->kept, first);
    s->step.value[REG_Y0] = workspace_share(state[0]);
    for (int32_t i = 0; i < s->stepper->info.n_carry; i++) {
        s->step.value[reg_carry_in(s->stepper, i)] = workspace_share(state[1 + i]);
    }
}

/* Whatever rejected a step in the solve would have done so then: a step that cannot be made again
 * depends on more than its start and its size. */
static odeon_status replay_record(solver *s, const solve_record *record)
{
    ODEON_TRY(step_reserve(s, record->program));
    s->step.h_prev = record->h_prev;
    ODEON_TRY(step_set_time(s, record->t, record->h));
    odeon_status status = step_run(s, record->program);
    if (status > 0) {
        return diag_fail(ODEON_ERR_NUMERIC, "%s: the step at t = %g cannot be made a second time",
                         s->path, record->t);
    }
    ODEON_TRY(status);
    step_take(s, record);
    return ODEON_OK;
}

/* All records of the steps, the starts before them included. */
static odeon_status replay_records(solver *s, int64_t first, int64_t last)
{
    const kept_steps *k = &s->kept;
    size_t end = (size_t)last < k->n_steps ? k->first[last] : k->n_records;
    odeon_status status = ODEON_OK;
    for (size_t i = k->first[first]; i < end && status == ODEON_OK; i++) {
        status = replay_record(s, &k->records[i]);
    }
    step_reject(s);
    release_values(s);
    return status;
}

odeon_status stretch_replay(solver *s, int64_t first, int64_t last)
{
    int32_t keep = s->task.keep;
    solve_tape_clear(&s->tape, &s->memory);
    s->tape.first_step = first;
    bind_state(s, first);
    s->task.keep = ODEON_KEEP_FRAMES;
    odeon_status status = replay_records(s, first, last);
    s->task.keep = keep;
    return status;
}

/* ---- reverse ---- */

/* A cotangent from outside takes the place of the one that the reverse before has left. */
static odeon_status take_end(solver *s, const odeon_view *d_end)
{
    bound_vector *end = &s->step.cotangent[REG_Y1];
    if (d_end == NULL) {
        return ODEON_OK;
    }
    workspace_release(&s->memory, end);
    ODEON_TRY(workspace_bind(&s->memory, end));
    odeon_tensor out = vector_tensor(s, *end);
    return ODEON_DO(s->lane->device, move, copy, s->lane->queue, .x = d_end, .y = &out);
}

/* A copy: the cotangent itself waits for the stretch before. */
static odeon_status give_start(const solver *s, const odeon_tensor *d_start)
{
    odeon_tensor start = vector_tensor(s, s->step.cotangent[REG_Y1]);
    if (d_start == NULL) {
        return ODEON_OK;
    }
    return start.view.data == NULL ? ODEON_DO(s->lane->device, move, fill, s->lane->queue,
                                              .y = d_start, .value = odeon_imm(0.0))
                                   : ODEON_DO(s->lane->device, move, copy, s->lane->queue,
                                              .x = &start.view, .y = d_start);
}

odeon_status stretch_reverse(solver *s, int64_t first, const odeon_view *d_end,
                             const odeon_tensor *d_start)
{
    odeon_status status = take_end(s, d_end);
    s->step.spare_cotangent = first == 0 && d_start != NULL ? odeon_write(d_start) : NULL;
    if (status == ODEON_OK) {
        status = reverse_back_to(s, first);
    }
    if (status == ODEON_OK) {
        status = first > 0         ? give_start(s, d_start)
                 : d_start != NULL ? reverse_finish(s, d_start)
                                   : ODEON_OK;
    }
    s->step.spare_cotangent = NULL;
    if (first == 0 || status != ODEON_OK) { /* before step 0 there is nothing */
        release_cotangents(s);
    }
    return status;
}

/* ---- dense output ---- */

/* The last step that begins at t or before it, in the direction of the solve; the first if none
 * does. */
static int64_t step_at(const solver *s, double t)
{
    const kept_steps *k = &s->kept;
    double direction = solve_direction(s);
    int64_t low = 0, high = (int64_t)k->n_steps; /* low is such a step, or 0; high is none */
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        bool begun = direction * (t - kept_steps_record(k, middle)->t) >= 0.0;
        low = begun ? middle : low;
        high = begun ? high : middle;
    }
    return low;
}

odeon_status stretch_dense(const solver *s, double t, const odeon_tensor *y)
{
    int64_t step = step_at(s, t);
    const solve_record *record = kept_steps_record(&s->kept, step);
    return dense_read(s, record->h, (t - record->t) / record->h, kept_steps_slopes(&s->kept, step),
                      y);
}
