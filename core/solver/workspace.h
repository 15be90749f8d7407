/* workspace.h: the device memory of one solver: vectors of the state's shape, and frames in which
 * evaluations keep what their vjp needs. It grows between steps, never within one, and stays for
 * later solves. */
#ifndef ODEON_CORE_SOLVER_WORKSPACE_H
#define ODEON_CORE_SOLVER_WORKSPACE_H
#include <stdbool.h>
#include <stddef.h>

#include "device/capture_cache.h"
#include "odeon/field.h"

/* On the free list, in a step under way, or on the tape: never in two of them. */
struct odeon_frame {
    char *memory; /* device, [frame_bytes] */
    struct odeon_frame *next;
    bool marked; /* used by workspace_retake_frames alone */
};

/* A vector of the state's shape with a count of its users, so that a combination that only renames
 * a vector costs nothing. It is free when refs is 0. */
typedef struct counted_vector {
    char *data; /* device, [vector_bytes] */
    struct counted_vector *next;
    int32_t refs, reserved0;
} counted_vector;

/* A vector bound to a register: counted (owner set), or borrowed from a frame, a row or the caller
 * (owner NULL). */
typedef struct bound_vector {
    char *data; /* device; NULL: nothing is bound */
    counted_vector *owner;
} bound_vector;

/* The most that solves used at one time since this was last set to zero. Unlike what is allocated,
 * which stays for later solves, it does not depend on what was solved before. */
typedef struct solve_peak {
    int64_t frames; /* in number */
    int64_t frame_bytes, vector_bytes, record_bytes;
} solve_peak;

typedef struct vector_chunk vector_chunk; /* vectors that were allocated together */
typedef struct frame_chunk frame_chunk;

/* Invariants: n_free_* counts the list free_*; whatever frees device memory tells the capture
 * cache, whose recordings hold addresses; of two partners (workspace_join) at most one has vectors
 * of the lender's in use. */
typedef struct workspace {
    const odeon_device *device;
    capture_cache *captures;
    const char *path;                    /* for messages */
    struct workspace *lender, *borrower; /* NULL: none */
    bool borrows; /* vectors are the lender's: as the last fit has found them free */

    vector_chunk *vector_chunks;
    counted_vector *free_vectors;
    int64_t vector_bytes; /* that its fits have asked for at most */
    int64_t made_bytes;   /* of each vector that there is: as much, or what a borrower needs */
    int64_t n_vectors, n_free_vectors;

    frame_chunk **frame_chunks;
    size_t n_frame_chunks;
    odeon_frame *free_frames;
    int64_t frame_bytes, n_frames, n_free_frames;

    solve_peak peak;
} workspace;

/* Zero is an empty workspace; device, captures and path are borrowed until fini. */
void workspace_fini(workspace *w);

/* bytes, rounded up to a multiple of 64: vectors, frames and blocks of rows begin at such. */
int64_t workspace_aligned(int64_t bytes);

/* ---- vectors ---- */

/* From here on w works with the vectors of lender, and has none of its own, as often as a fit finds
 * that the lender uses none of them: two solvers that never solve at the same time, and of which
 * one keeps nothing behind a solve, need the memory of the larger alone. Neither may move; a
 * workspace has one partner. */
void workspace_join(workspace *w, workspace *lender);

/* For vectors of so many bytes. Those of a smaller size are given up, so none may be in use. */
void workspace_fit_vectors(workspace *w, int64_t bytes);
/* At least n vectors in all. Allocates. */
odeon_status workspace_reserve_vectors(workspace *w, int64_t n);
int64_t workspace_n_vectors(const workspace *w);
bool workspace_is_idle(const workspace *w); /* no vector is in use */

bound_vector workspace_take(workspace *w); /* data NULL: none is free */
/* Binds a vector to *x unless one is. ODEON_ERR_INTERNAL: none is free. */
odeon_status workspace_bind(workspace *w, bound_vector *x);
bound_vector workspace_share(bound_vector x); /* one more user of it */
void workspace_release(workspace *w, bound_vector *x);

/* ---- frames ---- */

bool workspace_frames_fit(const workspace *w, int64_t bytes);
/* Gives all frames up for larger ones. None may be in use. */
void workspace_resize_frames(workspace *w, int64_t bytes);
/* At least n frames that are free. Allocates. */
odeon_status workspace_reserve_frames(workspace *w, int64_t n);

odeon_frame *workspace_take_frame(workspace *w); /* one is free, since reserved */
void workspace_give_frame(workspace *w, odeon_frame *frame);
/* Exactly the n frames of kept are in use from now on; all others are free. */
void workspace_retake_frames(workspace *w, odeon_frame *const *kept, size_t n);

/* ---- the peak ---- */

void workspace_note_frames(workspace *w); /* those in use now */
void workspace_note_vectors(workspace *w, int64_t bytes);
void workspace_note_records(workspace *w, int64_t bytes);
void solve_peak_merge(solve_peak *all, const solve_peak *one);
int64_t solve_peak_bytes(const solve_peak *peak);
/* Of two partners, which have their vectors one after the other: those of the larger count. */
int64_t solve_peaks_bytes(const workspace *lender, const workspace *borrower);

#endif
