#include "solver/tape.h"

#include "base/mem.h"

/* Frames on it are the workspace's and go with that. */
void solve_tape_fini(solve_tape *tape)
{
    mem_free(tape->frames);
    mem_free(tape->records);
    *tape = (solve_tape){0};
}

/* Either list may have grown when the other could not: its room is then simply larger. */
bool solve_tape_reserve(solve_tape *tape, size_t n_records, size_t n_frames)
{
    odeon_frame **frames =
        mem_reserve(tape->frames, &tape->frames_capacity, n_frames, 64, sizeof(odeon_frame *));
    tape->frames = frames != NULL ? frames : tape->frames;
    solve_record *records =
        mem_reserve(tape->records, &tape->records_capacity, n_records, 16, sizeof *records);
    tape->records = records != NULL ? records : tape->records;
    return (frames != NULL || n_frames == 0) && (records != NULL || n_records == 0);
}

/* What is counted to a solve, whatever has been allocated. */
int64_t solve_tape_bytes(size_t n_records, size_t n_frames)
{
    return (int64_t)(n_records * sizeof(solve_record) + n_frames * sizeof(odeon_frame *));
}

/* The frames change hands: whoever made them no longer gives them back. */
void solve_tape_push(solve_tape *tape, const solve_record *record, int32_t n, odeon_frame **frames)
{
    solve_record *last = &tape->records[tape->n_records++];
    *last = *record;
    last->first_frame = tape->n_frames;
    for (int32_t i = 0; i < n; i++) {
        tape->frames[tape->n_frames++] = frames[i];
        frames[i] = NULL;
    }
}

/* The frames of the last record go first, so that a reverse pass frees memory as it goes. */
void solve_tape_pop(solve_tape *tape, workspace *w)
{
    size_t first = tape->records[--tape->n_records].first_frame;
    while (tape->n_frames > first) {
        workspace_give_frame(w, tape->frames[--tape->n_frames]);
    }
}

/* First to last, which leaves the last frame on top of the free list. */
void solve_tape_clear(solve_tape *tape, workspace *w)
{
    for (size_t i = 0; i < tape->n_frames; i++) {
        workspace_give_frame(w, tape->frames[i]);
    }
    tape->n_frames = 0;
    tape->n_records = 0;
    tape->first_step = 0;
}
