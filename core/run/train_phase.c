/* Phases are counted in steps of the run, so that which of them a step belongs to follows from its
 * number alone, in a run that goes on as well. */
#include "run/train_phase.h"

#include <inttypes.h>

#include "base/diag.h"
#include "base/mem.h"
#include "run/train_length.h"
#include "session/phase.h"

/* Steps of the run before phase number i of the configuration's list. */
static int64_t steps_before(const config *c, size_t i, int64_t epoch_steps, int64_t extra)
{
    const config_count *after = &c->phases[i].after;
    int64_t steps = after->every;
    if (after->unit == CONFIG_EPOCHS) {
        bool fits =
            checked_mul(after->every, epoch_steps, &steps) && checked_add(steps, extra, &steps);
        steps = fits ? steps : INT64_MAX;
    }
    return steps;
}

train_phase train_phase_of(const config *c, int64_t epoch_steps, int64_t extra, int64_t step)
{
    train_phase phase = {.index = 0, .end = INT64_MAX};
    for (size_t i = 0; i < c->n_phases; i++) {
        int64_t before = steps_before(c, i, epoch_steps, extra);
        if (step <= before) {
            phase.end = before;
            return phase;
        }
        phase = (train_phase){.index = i + 1, .before = before, .end = INT64_MAX};
    }
    return phase;
}

odeon_status train_phase_restore(session *s, const config *c, const checkpoint *at)
{
    int64_t steps = train_steps_an_epoch(c, at->samples), step = at->step > 0 ? at->step : 1;
    train_phase phase = train_phase_of(c, steps, at->extra, step);
    return session_enter_phase(s, phase.index, phase.before);
}

bool train_stage_begins(const config *c, int64_t step)
{
    return c->stage > 0 && c->phases[c->stage - 1].after.every == step;
}

const char *train_phase_late(const config *c, int64_t epoch_steps, int64_t steps)
{
    for (size_t i = 0; i < c->n_phases; i++) {
        if (steps_before(c, i, epoch_steps, 0) >= steps) {
            return c->phases[i].name;
        }
    }
    return NULL;
}

static odeon_status check_order(const config *c, int64_t epoch_steps)
{
    for (size_t i = 1; i < c->n_phases; i++) {
        if (steps_before(c, i, epoch_steps, 0) <= steps_before(c, i - 1, epoch_steps, 0)) {
            return diag_fail(ODEON_ERR_CONFIG,
                             "train.%s begins after step %" PRId64 ", no later than train.%s: "
                             "an epoch has %" PRId64 " steps",
                             c->phases[i].name, steps_before(c, i, epoch_steps, 0),
                             c->phases[i - 1].name, epoch_steps);
        }
    }
    return ODEON_OK;
}

/* Of the phases from c's stage on, until the next one that sets keys of its own. */
static const char *wants_whole(const session *s, const config *c)
{
    const char *id = session_wants_whole(s, c->stage);
    for (size_t i = c->stage; i < c->n_phases && c->phases[i].n_set == 0 && id == NULL; i++) {
        id = session_wants_whole(s, i + 1);
    }
    return id;
}

odeon_status train_phase_check(const session *s, const config *c, int64_t samples)
{
    if (samples == 0) {
        return ODEON_OK;
    }
    batches b = train_batches(c, samples);
    const char *whole = wants_whole(s, c);
    if (whole != NULL && b.batch < samples) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "train: optimizer %s compares losses of all %" PRId64
                         " training samples, but a step takes %" PRId64
                         ": set data.batch = %" PRId64 ", or train.accumulate to as many batches "
                         "as make them all; what it takes fewer with: odeon inspect optimizer %s",
                         whole, samples, b.batch, samples, whole);
    }
    return check_order(c, batches_steps(&b));
}
