#include "solver/effects.h"

#include <string.h>

#include "base/mem.h"

/* A copy of n elements at *to, which moves on. Both directions use it: into the notes, and out of
 * them. */
static void *copy(char **to, const void *from, size_t n, size_t size)
{
    void *out = *to;
    if (n > 0) { /* else from may be NULL */
        memcpy(out, from, n * size);
        *to += n * size;
    }
    return out;
}

/* Elements are laid out by falling alignment: the structures first, numbers last. Of the tape all
 * is noted and not only what was added, since an operation may have used it up. */
solve_effects *effects_note(const solver *s, const solver_mark *mark)
{
    const solve_tape *tape = &s->tape;
    size_t n_attempts = s->log.n_attempts - mark->n_attempts, n_times = (size_t)s->task.n_times;
    size_t bytes = tape->n_records * sizeof *tape->records +
                   tape->n_frames * sizeof(odeon_frame *) + n_attempts * sizeof(solve_attempt) +
                   n_times * sizeof(double);
    solve_effects *out = mem_alloc(sizeof *out + bytes);
    if (out == NULL) {
        return NULL;
    }
    *out = (solve_effects){.evals = s->log.evals - mark->evals,
                           .index = s->step.index,
                           .peak = s->memory.peak,
                           .next = s->outputs.next,
                           .n_times = s->task.n_times,
                           .n_attempts = n_attempts,
                           .n_records = tape->n_records,
                           .n_frames = tape->n_frames};
    char *to = (char *)(out + 1);
    const solve_attempt *added = n_attempts > 0 ? s->log.attempts + mark->n_attempts : NULL;
    out->records = copy(&to, tape->records, tape->n_records, sizeof *tape->records);
    out->frames = copy(&to, tape->frames, tape->n_frames, sizeof(odeon_frame *));
    out->attempts = copy(&to, added, n_attempts, sizeof *added);
    out->read_at = copy(&to, s->outputs.read_at, n_times, sizeof *s->outputs.read_at);
    return out;
}

/* Before anything is replayed: once calls are queued, nothing on the host may fail. */
odeon_status effects_reserve(solver *s, const solve_effects *effects)
{
    return reserve_host(s, effects->n_records, effects->n_frames,
                        s->log.n_attempts + effects->n_attempts);
}

/* Attempts enter the log as if they were made now, which counts them. The tape's frames are taken
 * from the free list, as the recorded calls write into these very frames. */
void effects_apply(solver *s, const solve_effects *effects)
{
    char *records = (char *)s->tape.records, *frames = (char *)s->tape.frames;
    char *read_at = (char *)s->outputs.read_at;
    count_evals(s, effects->evals);
    for (size_t i = 0; i < effects->n_attempts; i++) {
        const solve_attempt *a = &effects->attempts[i];
        solve_log_add(&s->log, a->t, a->h, a->error,
                      a->accepted ? ATTEMPT_ACCEPTED : ATTEMPT_REJECTED);
    }
    (void)copy(&records, effects->records, effects->n_records, sizeof *effects->records);
    (void)copy(&frames, effects->frames, effects->n_frames, sizeof(odeon_frame *));
    (void)copy(&read_at, effects->read_at, (size_t)effects->n_times, sizeof *effects->read_at);
    s->tape.n_records = effects->n_records;
    s->tape.n_frames = effects->n_frames;
    s->step.index = effects->index;
    s->outputs.next = effects->next;
    solve_peak_merge(&s->memory.peak, &effects->peak);
    workspace_retake_frames(&s->memory, s->tape.frames, s->tape.n_frames);
}
