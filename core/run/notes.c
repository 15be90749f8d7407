#include "run/notes.h"

#include "odeon/host.h"
#include "run/idle_keys.h"
#include "run/note.h"
#include "run/train_length.h"
#include "run/train_phase.h"
#include "session/describe.h"

/* Of a single sample there is no other with which its times could be confused. */
static size_t note_times(FILE *out, const config *c, const session *s, const notes_use *use)
{
    session_layer layer;
    if (!use->data || use->samples == 1 || !session_reads_relative_time(s, &layer)) {
        return 0;
    }
    note(out,
         "%s: layer %s reads t, and windows start at t = 0: data set %s counts the times of a "
         "sample "
         "from its first row; a field that depends on t sees the time since the start of the "
         "window, not that of the series; for that, copy the clock into a state column (c' = 1)",
         layer.path, layer.layer, c->dataset->component->id);
    return 1;
}

/* A schedule judges a whole run, so it is asked about the last step of it. Of a run of epochs
 * without known samples it gets the epochs alone; a run of iterations says nothing about epochs
 * before the samples are counted. */
static size_t note_schedule(FILE *out, const config *c, const session *s, const notes_use *use)
{
    char text[ODEON_MESSAGE_BYTES];
    odeon_position last = {.struct_size = sizeof last, .epochs = (double)c->epochs};
    if (!use->trains || c->schedule == NULL || (c->iterations > 0 && use->samples == 0)) {
        return 0;
    }
    if (use->samples > 0) {
        last.steps = train_steps(c, use->samples, NULL);
        last.steps_an_epoch = train_steps_an_epoch(c, use->samples);
        int64_t end = train_phase_of(c, last.steps_an_epoch, 0, 1).end;
        last.steps = end < last.steps ? end : last.steps;
        last.epochs = (double)last.steps / (double)last.steps_an_epoch;
    }
    last.step = last.steps;
    last.epoch = last.epochs;
    session_schedule_remark(s, &last, text, sizeof text);
    if (text[0] == '\0') {
        return 0;
    }
    note(out, "train.schedule = %s: %s", c->schedule->component->id, text);
    return 1;
}

/* A run that ends before has learned without it. */
static size_t note_phases(FILE *out, const config *c, const notes_use *use)
{
    if (!use->trains || use->samples == 0) {
        return 0;
    }
    int64_t steps = train_steps(c, use->samples, NULL);
    const char *late = train_phase_late(c, train_steps_an_epoch(c, use->samples), steps);
    if (late == NULL) {
        return 0;
    }
    note(out, "[train.%s] has no effect: the run ends with step %lld, before it begins", late,
         (long long)steps);
    return 1;
}

/* The device would make a solve one launch, which users of it count on. */
static size_t note_recording(FILE *out, const session *s)
{
    const char *path = session_unrecorded_block(s);
    if (path == NULL) {
        return 0;
    }
    note(out,
         "%s: its integrator needs the host in every step, so that its solves are not recorded for "
         "the device, but made call by call",
         path);
    return 1;
}

/* Solves, tests and predictions are as well there. */
static size_t note_second(FILE *out, const config *c, const session *s, const notes_use *use)
{
    const char *path = session_without_gradient(s), *device = c->device->component->id;
    if (path == NULL || !use->trains) {
        return 0;
    }
    note(out,
         "%s: its gradient has second derivatives, which run.device = %s has not: to train, use "
         "run.device = dual(base=%s)",
         path, device, device);
    return 1;
}

/* It takes several times as long. */
static size_t note_samples(FILE *out, const session *s)
{
    const char *path, *why = session_samples_in_turn(s, &path);
    if (why == NULL) {
        return 0;
    }
    note(out, "%s: step = sample solves one sample after the other here, not side by side: %s",
         path, why);
    return 1;
}

/* Keys first, then what the model does with its data, then the run: the order in which a reader
 * finds them in the INI. */
size_t notes_give(FILE *out, const config *c, const session *s, notes_use use)
{
    return idle_keys_print(out, c) + note_times(out, c, s, &use) + note_schedule(out, c, s, &use) +
           note_phases(out, c, &use) + note_recording(out, s) + note_second(out, c, s, &use) +
           note_samples(out, s);
}
