/* The learning rate of a step is the optimizer's times a factor of the schedule, which is a pure
 * function of the position in the run: a run that goes on needs no state of it. */
#include "run/train_schedule.h"

#include <inttypes.h>
#include <math.h>

#include "odeon/schedule.h"
#include "run/train_phase.h"
#include "session/curves.h"
#include "session/describe.h"

/* What the learning rate of a step, of the phase that the session is in, is multiplied with, in a
 * run of so many. A phase has its schedule as if it were a run. */
static odeon_position position_of(const trainer *t, int64_t step, int64_t total)
{
    double an_epoch = (double)t->epoch_steps;
    train_phase phase = train_phase_of(t->config, t->epoch_steps, t->at.extra, step);
    int64_t end = phase.end < total ? phase.end : total;
    int64_t extra = phase.index == 0 ? t->at.extra : 0; /* it lies before any other */
    return (odeon_position){.struct_size = sizeof(odeon_position),
                            .step = step - phase.before,
                            .steps = end - phase.before,
                            .steps_an_epoch = t->epoch_steps,
                            .epoch = (double)(step - 1 - phase.before - extra) / an_epoch,
                            .epochs = (double)(end - phase.before - extra) / an_epoch};
}

static odeon_status schedule_of(const trainer *t, int64_t step, int64_t total, double *factor)
{
    odeon_position position = position_of(t, step, total);
    return session_schedule(t->session, &position, factor);
}

/* The rate is kept in the checkpoint, to be compared when the run goes on. */
odeon_status train_schedule_step(trainer *t)
{
    odeon_position position = position_of(t, t->at.step, t->total);
    ODEON_TRY(session_schedule(t->session, &position, &t->factor));
    ODEON_TRY(session_curves_set(t->session, &position));
    t->at.rate = t->factor * session_learning_rate(t->session);
    return ODEON_OK;
}

/* Two ways to compute the same rate may differ in the last bits. */
static bool is_same(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fmax(fabs(a), fabs(b));
}

/* Does the step after this one belong to another phase? Its rate is another's. */
static bool changes_phase(const trainer *t, int64_t step)
{
    const config *c = t->config;
    return train_phase_of(c, t->epoch_steps, t->at.extra, step).index !=
           train_phase_of(c, t->epoch_steps, t->at.extra, step + 1).index;
}

/* Compared is the step after the checkpoint's, as the run would have had it and as it has it now.
 */
odeon_status train_schedule_report_jump(const trainer *t, FILE *out)
{
    const checkpoint *from = t->plan->from;
    if (from == NULL || from->step == 0 || from->step >= t->total || changes_phase(t, from->step)) {
        return ODEON_OK;
    }
    char before[32], after[32];
    double now = 1.0, then = 1.0, last = 1.0, rate = session_learning_rate(t->session);
    int64_t next = from->step + 1;
    ODEON_TRY(schedule_of(t, next, t->total, &now));
    ODEON_TRY(schedule_of(t, next < from->total ? next : from->total, from->total, &then));
    ODEON_TRY(schedule_of(t, from->step, t->total, &last));
    if (from->step >= from->total && is_same(last * rate, from->rate)) {
        return ODEON_OK; /* it ended early (train_stop.h), by the schedule of this length */
    }
    double expected = t->plan->changed ? from->rate : then * rate;
    if (is_same(now * rate, expected)) {
        return ODEON_OK;
    }
    progress_number(from->rate, before);
    progress_number(now * rate, after);
    fprintf(out, "the learning rate jumps from %s in step %" PRId64 " to %s in step %" PRId64,
            before, from->step, after, next);
    if (now != then) {
        fprintf(out, ": the schedule is that of %" PRId64 " steps, it was that of %" PRId64,
                t->total, from->total);
    }
    fputs("\n", out);
    return ODEON_OK;
}
