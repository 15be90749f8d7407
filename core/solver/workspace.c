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

/* Recordings hold the addresses of vectors, so they are dropped with them. */
static void free_vectors(workspace *w)
{
    while (w->vector_chunks != NULL) {
        vector_chunk *next = w->vector_chunks->next;
        free_vector_chunk(w->device, w->vector_chunks);
        w->vector_chunks = next;
    }
    w->free_vectors = NULL;
    w->n_vectors = w->n_free_vectors = 0;
    capture_cache_forget(w->captures);
}

/* Larger ones serve a smaller state, so memory is given up only to grow. */
void workspace_fit_vectors(workspace *w, int64_t bytes)
{
    if (bytes > w->vector_bytes) {
        free_vectors(w);
        w->vector_bytes = bytes;
    }
}

/* In one allocation: a device counts those, and a vector is small next to what one costs. */
static odeon_status add_vectors(workspace *w, int64_t n)
{
    vector_chunk *chunk = mem_zalloc(1, sizeof *chunk);
    counted_vector *vectors = mem_zalloc((size_t)n, sizeof *vectors);
    if (chunk == NULL || vectors == NULL) {
        mem_free(chunk);
        mem_free(vectors);
        return no_memory(w);
    }
    void *memory = NULL;
    uint64_t bytes = (uint64_t)(n * w->vector_bytes);
    odeon_status status = w->device->ops->alloc(w->device->handle, bytes, &memory);
    *chunk = (vector_chunk){.memory = memory, .vectors = vectors, .next = w->vector_chunks};
    if (status != ODEON_OK) {
        free_vector_chunk(w->device, chunk);
        return status;
    }
    w->vector_chunks = chunk;
    for (int64_t i = n; i-- > 0;) {
        char *data = (char *)memory + i * w->vector_bytes;
        vectors[i] = (counted_vector){.data = data, .next = w->free_vectors};
        w->free_vectors = &vectors[i];
    }
    w->n_vectors += n;
    w->n_free_vectors += n;
    return ODEON_OK;
}

/* One larger chunk replaces all that there are if none is in use, so that a solver ends up with
 * one; in the middle of a solve only what is missing is added. */
odeon_status workspace_reserve_vectors(workspace *w, int64_t n)
{
    if (n <= w->n_vectors) {
        return ODEON_OK;
    }
    if (w->n_free_vectors == w->n_vectors) {
        free_vectors(w);
    }
    return add_vectors(w, n - w->n_vectors);
}

/* The count of users starts at 1. */
bound_vector workspace_take(workspace *w)
{
    counted_vector *v = w->free_vectors;
    if (v == NULL) {
        return (bound_vector){0};
    }
    w->free_vectors = v->next;
    w->n_free_vectors--;
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
        v->next = w->free_vectors;
        w->free_vectors = v;
        w->n_free_vectors++;
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

void workspace_fini(workspace *w)
{
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
