#include "solver/workspace.h"

#include "base/diag.h"
#include "base/mem.h"

enum { FRAME_CHUNK = 16 }; /* frames per allocation */

/* Vectors of one allocation. Invariant: vectors[i] lies at memory + i * vector_bytes. */
struct vector_chunk {
    char *memory; /* device */
    counted_vector *vectors;
    vector_chunk *next;
};

/* Frames of one allocation. Frames are parts of the chunk, so that a frame's address holds as long.
 */
struct frame_chunk {
    char *memory; /* device */
    odeon_frame frames[FRAME_CHUNK];
};

static odeon_status no_memory(const workspace *w)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for the solver", w->path);
}

int64_t workspace_aligned(int64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- vectors ---- */

static void free_vector_chunk(const odeon_device *device, vector_chunk *chunk)
{
    if (chunk != NULL) {
        device->ops->free(device->handle, chunk->memory);
        mem_free(chunk->vectors);
        mem_free(chunk);
    }
}

/* Whose vectors w works with. */
static workspace *pool_of(workspace *w)
{
    return w->borrows ? w->lender : w;
}

static const workspace *pool_seen_by(const workspace *w)
{
    return w->borrows ? w->lender : w;
}

/* Recordings hold the addresses of vectors, so they are dropped with them; a partner's as well. */
static void forget_recordings(workspace *pool)
{
    capture_cache_forget(pool->captures);
    capture_cache_forget(pool->borrower != NULL ? pool->borrower->captures : NULL);
}

static void free_vectors(workspace *pool)
{
    while (pool->vector_chunks != NULL) {
        vector_chunk *next = pool->vector_chunks->next;
        free_vector_chunk(pool->device, pool->vector_chunks);
        pool->vector_chunks = next;
    }
    pool->free_vectors = NULL;
    pool->n_vectors = pool->n_free_vectors = 0;
    forget_recordings(pool);
}

void workspace_join(workspace *w, workspace *lender)
{
    w->lender = lender;
    lender->borrower = w;
}

/* A lender with vectors in use keeps something of its last solve, which must stay. What w had of
 * its own meanwhile is given up when it borrows. Larger vectors serve a smaller state, so memory is
 * given up only to grow. */
void workspace_fit_vectors(workspace *w, int64_t bytes)
{
    w->borrows = w->lender != NULL && w->lender->n_free_vectors == w->lender->n_vectors;
    if (w->borrows && w->n_vectors > 0) {
        free_vectors(w);
    }
    workspace *pool = pool_of(w);
    w->vector_bytes = bytes > w->vector_bytes ? bytes : w->vector_bytes;
    if (bytes > pool->made_bytes) {
        free_vectors(pool);
        pool->made_bytes = bytes;
    }
}

/* In one allocation: a device counts those, and a vector is small next to what one costs. */
static odeon_status add_vectors(workspace *pool, int64_t n)
{
    vector_chunk *chunk = mem_zalloc(1, sizeof *chunk);
    counted_vector *vectors = mem_zalloc((size_t)n, sizeof *vectors);
    if (chunk == NULL || vectors == NULL) {
        mem_free(chunk);
        mem_free(vectors);
        return no_memory(pool);
    }
    void *memory = NULL;
    uint64_t bytes = (uint64_t)(n * pool->made_bytes);
    odeon_status status = pool->device->ops->alloc(pool->device->handle, bytes, &memory);
    *chunk = (vector_chunk){.memory = memory, .vectors = vectors, .next = pool->vector_chunks};
    if (status != ODEON_OK) {
        free_vector_chunk(pool->device, chunk);
        return status;
    }
    pool->vector_chunks = chunk;
    for (int64_t i = n; i-- > 0;) {
        char *data = (char *)memory + i * pool->made_bytes;
        vectors[i] = (counted_vector){.data = data, .next = pool->free_vectors};
        pool->free_vectors = &vectors[i];
    }
    pool->n_vectors += n;
    pool->n_free_vectors += n;
    return ODEON_OK;
}

/* One larger chunk replaces all that there are if none is in use, so that a solver ends up with
 * one; in the middle of a solve only what is missing is added. */
odeon_status workspace_reserve_vectors(workspace *w, int64_t n)
{
    workspace *pool = pool_of(w);
    if (n <= pool->n_vectors) {
        return ODEON_OK;
    }
    if (workspace_is_idle(w)) {
        free_vectors(pool);
    }
    return add_vectors(pool, n - pool->n_vectors);
}

int64_t workspace_n_vectors(const workspace *w)
{
    return pool_seen_by(w)->n_vectors;
}

bool workspace_is_idle(const workspace *w)
{
    const workspace *pool = pool_seen_by(w);
    return pool->n_free_vectors == pool->n_vectors;
}

/* The count of users starts at 1. */
bound_vector workspace_take(workspace *w)
{
    workspace *pool = pool_of(w);
    counted_vector *v = pool->free_vectors;
    if (v == NULL) {
        return (bound_vector){0};
    }
    pool->free_vectors = v->next;
    pool->n_free_vectors--;
    v->refs = 1;
    return (bound_vector){.data = v->data, .owner = v};
}

/* Vectors are reserved before a step, so that none is missing within one, but for a bug. */
odeon_status workspace_bind(workspace *w, bound_vector *x)
{
    if (x->data == NULL) {
        *x = workspace_take(w);
    }
    return x->data != NULL ? ODEON_OK
                           : diag_fail(ODEON_ERR_INTERNAL, "%s: out of vectors", w->path);
}

/* A borrowed vector has no count: whoever lent it keeps it. */
bound_vector workspace_share(bound_vector x)
{
    if (x.owner != NULL) {
        x.owner->refs++;
    }
    return x;
}

/* Also of a borrowed vector, which is only forgotten. */
void workspace_release(workspace *w, bound_vector *x)
{
    counted_vector *v = x->owner;
    *x = (bound_vector){0};
    if (v != NULL && --v->refs == 0) {
        workspace *pool = pool_of(w);
        v->next = pool->free_vectors;
        pool->free_vectors = v;
        pool->n_free_vectors++;
    }
}

/* ---- frames ---- */

/* All at once, when they have become too small: recordings hold their addresses, too. */
static void free_frames(workspace *w)
{
    for (size_t i = 0; i < w->n_frame_chunks; i++) {
        w->device->ops->free(w->device->handle, w->frame_chunks[i]->memory);
        mem_free(w->frame_chunks[i]);
    }
    mem_free(w->frame_chunks);
    w->frame_chunks = NULL;
    w->n_frame_chunks = 0;
    w->free_frames = NULL;
    w->n_frames = w->n_free_frames = 0;
    capture_cache_forget(w->captures);
}

/* Larger ones serve, as with vectors. */
bool workspace_frames_fit(const workspace *w, int64_t bytes)
{
    return workspace_aligned(bytes) <= w->frame_bytes;
}

void workspace_resize_frames(workspace *w, int64_t bytes)
{
    free_frames(w);
    w->frame_bytes = workspace_aligned(bytes);
}

/* By chunks: a solve does not know beforehand how many frames it will keep. */
static odeon_status add_frames(workspace *w)
{
    frame_chunk **chunks = mem_grow(w->frame_chunks, w->n_frame_chunks, sizeof(frame_chunk *));
    w->frame_chunks = chunks != NULL ? chunks : w->frame_chunks;
    frame_chunk *chunk = mem_zalloc(1, sizeof *chunk);
    if (chunks == NULL || chunk == NULL) {
        mem_free(chunk);
        return no_memory(w);
    }
    void *memory = NULL;
    uint64_t bytes = (uint64_t)(FRAME_CHUNK * w->frame_bytes);
    odeon_status status = w->device->ops->alloc(w->device->handle, bytes, &memory);
    if (status != ODEON_OK) {
        mem_free(chunk);
        return status;
    }
    chunk->memory = memory;
    w->frame_chunks[w->n_frame_chunks++] = chunk;
    w->n_frames += FRAME_CHUNK;
    for (int i = 0; i < FRAME_CHUNK; i++) {
        chunk->frames[i] = (odeon_frame){.memory = chunk->memory + i * w->frame_bytes};
        workspace_give_frame(w, &chunk->frames[i]);
    }
    return ODEON_OK;
}

/* What one chunk cannot hold comes in several. */
odeon_status workspace_reserve_frames(workspace *w, int64_t n)
{
    while (w->n_free_frames < n) {
        ODEON_TRY(add_frames(w));
    }
    return ODEON_OK;
}

odeon_frame *workspace_take_frame(workspace *w)
{
    odeon_frame *frame = w->free_frames;
    w->free_frames = frame->next;
    w->n_free_frames--;
    return frame;
}

void workspace_give_frame(workspace *w, odeon_frame *frame)
{
    frame->next = w->free_frames;
    w->free_frames = frame;
    w->n_free_frames++;
}

/* A replay uses frames without taking them, and a capture that failed has taken some for nothing:
 * the free list is made anew from what is known to be in use. */
void workspace_retake_frames(workspace *w, odeon_frame *const *kept, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        kept[i]->marked = true;
    }
    w->free_frames = NULL;
    w->n_free_frames = 0;
    for (size_t i = 0; i < w->n_frame_chunks * FRAME_CHUNK; i++) {
        odeon_frame *frame = &w->frame_chunks[i / FRAME_CHUNK]->frames[i % FRAME_CHUNK];
        if (!frame->marked) {
            workspace_give_frame(w, frame);
        }
        frame->marked = false;
    }
}

/* The partner goes on by itself, or has gone already. */
void workspace_fini(workspace *w)
{
    if (w->lender != NULL) {
        w->lender->borrower = NULL;
    }
    if (w->borrower != NULL) {
        w->borrower->lender = NULL;
        w->borrower->borrows = false;
    }
    w->lender = w->borrower = NULL;
    w->borrows = false;
    w->captures = NULL;
    free_vectors(w);
    free_frames(w);
}

/* ---- the peak ---- */

void workspace_note_frames(workspace *w)
{
    w->peak.frames = larger(w->peak.frames, w->n_frames - w->n_free_frames);
}

void workspace_note_vectors(workspace *w, int64_t bytes)
{
    w->peak.vector_bytes = larger(w->peak.vector_bytes, bytes);
}

void workspace_note_records(workspace *w, int64_t bytes)
{
    w->peak.record_bytes = larger(w->peak.record_bytes, bytes);
}

void solve_peak_merge(solve_peak *all, const solve_peak *one)
{
    all->frames = larger(all->frames, one->frames);
    all->vector_bytes = larger(all->vector_bytes, one->vector_bytes);
    all->record_bytes = larger(all->record_bytes, one->record_bytes);
    all->frame_bytes = one->frame_bytes;
}

int64_t solve_peak_bytes(const solve_peak *peak)
{
    return peak->frames * peak->frame_bytes + peak->vector_bytes + peak->record_bytes;
}

int64_t solve_peaks_bytes(const workspace *lender, const workspace *borrower)
{
    const solve_peak *a = &lender->peak, *b = &borrower->peak;
    int64_t both = solve_peak_bytes(a) + solve_peak_bytes(b);
    bool smaller = a->vector_bytes < b->vector_bytes;
    return borrower->borrows ? both - (smaller ? a->vector_bytes : b->vector_bytes) : both;
}
