#include "solver/executor.h"

#include "odeon/device_ext.h"
#include "odeon/device_solver.h"
#include "solver/effects.h"

/* All have to agree: the device, whether it can and may, the field, whether its identity is
 * complete, and the method: equations are solved on the host, in as many iterations as it takes,
 * and numbers that only the host computes differ from step to step. */
bool executor_captures(const solver *s)
{
    return !s->stepper->needs_host && s->task.field->is_recordable &&
           capture_cache_capture(s->captures) != NULL;
}

/* The address of the field's owner is in it although the identity is: two fields may be alike and
 * yet write into different gradients. */
void executor_begin_key(solver *s, int64_t tag)
{
    const host_field *field = s->task.field;
    key_begin(&s->key, tag);
    key_add_bytes(&s->key, field->identity.bytes, sizeof field->identity.bytes);
    key_add_address(&s->key, field->abi.self);
    key_add_int(&s->key, s->task.keep);
    key_add_int(&s->key, s->task.n_times);
}

/* A key that ran out of memory asks nothing: the calls are made one by one. */
execution executor_ask(const solver *s)
{
    execution out = executor_eager();
    if (!s->key.failed) {
        out.answer = capture_cache_ask(s->captures, s->key.bytes, s->key.n, &out.key);
    }
    return out;
}

/* The answer for whatever is not to be captured. */
execution executor_eager(void)
{
    return (execution){.answer = CAPTURE_CACHE_RUN};
}

/* Nothing recorded has taken effect yet, so that going back to the mark undoes all. The peak starts
 * at nothing, so that effects tell that of these calls alone. capture_cache_end is called after any
 * failure, since it ends the capture on the device. */
static odeon_status record(solver *s, recorded *x, solver_calls run, void *context)
{
    solver_mark mark = solver_mark_here(s);
    s->memory.peak = (solve_peak){.frame_bytes = mark.peak.frame_bytes};
    odeon_status status = capture_cache_begin(s->captures, x);
    if (status == ODEON_OK) {
        status = run(s, context);
    }
    if (status == ODEON_OK) {
        x->notes = effects_note(s, &mark);
        status = x->notes != NULL ? ODEON_OK : ODEON_ERR_NOMEM;
    }
    status = capture_cache_end(s->captures, x, status);
    solver_rollback(s, &mark);
    return status;
}

/* ---- an operation ---- */

/* Host memory first: once the calls are queued nothing may fail but the device. */
static odeon_status replay(solver *s, const recorded *x)
{
    const solve_effects *effects = x->notes;
    ODEON_TRY(effects_reserve(s, effects));
    ODEON_TRY(capture_cache_replay(s->captures, x));
    effects_apply(s, effects);
    return ODEON_OK;
}

/* A capture that failed is followed by the plain calls, of which it has changed nothing. A fresh
 * recording is replayed like an old one: there is one way in which captured calls take effect. */
odeon_status execute(solver *s, execution how, solver_calls run, void *context)
{
    bool replays = how.answer == CAPTURE_CACHE_REPLAY;
    if (how.answer == CAPTURE_CACHE_TAKE) {
        replays = record(s, how.key, run, context) == ODEON_OK;
    }
    if (replays) {
        return replay(s, how.key);
    }
    int64_t evals = s->log.evals;
    odeon_status status = run(s, context);
    if (s->log.evals - evals > EXECUTOR_MOST_EVALS) {
        capture_cache_decline(s->captures, how.key, "a solve has too many evaluations");
    }
    return status;
}

/* ---- a loop ---- */

bool executor_has_loops(const solver *s)
{
    const odeon_device_capture *capture = capture_cache_capture(s->captures);
    return capture != NULL && ODEON_HAS(capture, odeon_device_capture, loop_begin);
}

int64_t executor_recorded_evals(const recorded *x)
{
    return ((const solve_effects *)x->notes)->evals;
}

/* A loop as the device carries it out: slot STOP ends it. The bound of its passes is that of the
 * log. */
static odeon_status whole_loop(solver *s, void *context)
{
    const step_loop *loop = context;
    const odeon_device_capture *capture = capture_cache_capture(s->captures);
    ODEON_TRY(loop->begin(s, loop->context));
    ODEON_TRY(capture->loop_begin(s->lane->queue, s->slots, ODEON_SLOT_STOP, SOLVER_LOG_ROWS));
    ODEON_TRY(loop->step(s, loop->context));
    ODEON_TRY(capture->loop_end(s->lane->queue));
    return loop->end(s, loop->context);
}

/* The loop with all around it, or a single step. */
static odeon_status record_loop(solver *s, recorded *x, const step_loop *loop, bool whole)
{
    step_loop calls = *loop;
    return whole ? record(s, x, whole_loop, &calls) : record(s, x, loop->step, loop->context);
}

/* x NULL: eagerly. Between two passes the host asks whether there is another, which may wait for
 * the device. */
static odeon_status make_passes(solver *s, const recorded *x, const step_loop *loop, bool whole)
{
    bool more;
    ODEON_TRY(loop->more(s, loop->context, 0, whole, &more));
    for (int64_t passes = 1; more; passes++) {
        ODEON_TRY(x != NULL ? capture_cache_replay(s->captures, x) : loop->step(s, loop->context));
        ODEON_TRY(loop->more(s, loop->context, passes, whole, &more));
    }
    return ODEON_OK;
}

/* Where the device has no loops begin is made eagerly before a step is recorded, since the
 * recording of the step must not contain it. If the recording of a whole loop fails, begin was
 * recorded with it and has not run: it is made now. */
odeon_status execute_loop(solver *s, execution *how, const step_loop *loop)
{
    bool whole = how->answer != CAPTURE_CACHE_RUN && executor_has_loops(s);
    ODEON_TRY(whole ? ODEON_OK : loop->begin(s, loop->context));
    if (how->answer == CAPTURE_CACHE_TAKE && record_loop(s, how->key, loop, whole) != ODEON_OK) {
        *how = executor_eager();
        if (!loop->has_eager_step) {
            return ODEON_OK;
        }
        ODEON_TRY(whole ? loop->begin(s, loop->context) : ODEON_OK);
        whole = false;
    }
    bool eager = how->answer == CAPTURE_CACHE_RUN;
    ODEON_TRY(make_passes(s, eager ? NULL : how->key, loop, whole));
    return whole ? ODEON_OK : loop->end(s, loop->context);
}
