/* What a solver keeps: vectors, frames, records. All of it is reserved between steps. */
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "solver/solver.h"

enum { FRAME_CHUNK = 16 }; /* frames per allocation */

static odeon_status no_memory(const solver *s)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for the solver", s->path);
}

static int64_t aligned(int64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static void free_chunk(const odeon_device *device, vec_chunk *chunk)
{
    if (chunk != NULL) {
        device->ops->free(device->self, chunk->memory);
        mem_free(chunk->vecs);
        mem_free(chunk);
    }
}

static void free_vectors(solver *s)
{
    while (s->vec_chunks != NULL) {
        vec_chunk *next = s->vec_chunks->next;
        free_chunk(s->lane->device, s->vec_chunks);
        s->vec_chunks = next;
    }
    s->free_vecs = NULL;
    s->n_vecs = s->n_free_vecs = 0;
    capture_cache_forget(s->captures);
}

static void free_frames(solver *s)
{
    const odeon_device *device = s->lane->device;
    for (size_t i = 0; i < s->n_chunks; i++) {
        device->ops->free(device->self, s->frame_chunks[i]);
        mem_free(s->frame_arrays[i]);
    }
    mem_free(s->frame_chunks);
    mem_free(s->frame_arrays);
    s->frame_chunks = NULL;
    s->frame_arrays = NULL;
    s->free_frames = NULL;
    s->n_chunks = 0;
    s->n_frames = s->n_free_frames = 0;
    capture_cache_forget(s->captures);
}

odeon_status solver_create(const device_lane *lane, stepper *method, const odeon_ode_spec *spec,
                           const char *path, solver **out)
{
    *out = NULL;
    solver *s = mem_zalloc(1, sizeof *s);
    if (s == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for the solver", path);
    }
    s->lane = lane;
    s->stepper = method;
    s->spec = spec;
    s->path = path;
    void *slots = NULL;
    uint64_t numbers = ODEON_SLOTS;
    numbers += spec->mode == ODEON_STEPS_ADAPTIVE ? SOLVER_LOG_ROWS * ODEON_LOG_COLUMNS : 0;
    odeon_status status = capture_cache_create(lane, &s->captures);
    if (status == ODEON_OK) {
        status = lane->device->ops->alloc(lane->device->self, numbers * sizeof(double), &slots);
    }
    s->slots = slots;
    if (status != ODEON_OK) {
        capture_cache_destroy(s->captures);
        mem_free(s);
        return status;
    }
    *out = s;
    return ODEON_OK;
}

void solver_destroy(solver *s)
{
    if (s == NULL) {
        return;
    }
    capture_cache_destroy(s->captures);
    s->captures = NULL;
    free_vectors(s);
    free_frames(s);
    buffer_release(s->lane->device, &s->piece.state);
    buffer_release(s->lane->device, &s->piece.rows);
    buffer_release(s->lane->device, &s->piece.running);
    mem_free(s->piece.seen);
    mem_free(s->key);
    s->lane->device->ops->free(s->lane->device->self, s->slots);
    mem_free(s->kept);
    mem_free(s->records);
    mem_free(s->attempts);
    mem_free(s->read_at);
    mem_free(s);
}

int64_t solver_used_bytes(const solver *s)
{
    return s->use.frames * s->use.frame_bytes + s->use.vector_bytes + s->use.record_bytes;
}

odeon_status solver_fit_times(solver *s, int32_t n_times)
{
    if (n_times <= s->read_capacity) {
        return ODEON_OK;
    }
    double *read_at = mem_resize(s->read_at, (size_t)n_times, sizeof *read_at);
    if (read_at == NULL) {
        return no_memory(s);
    }
    s->read_at = read_at;
    s->read_capacity = n_times;
    return ODEON_OK;
}

static int64_t vector_bytes(const host_field *field)
{
    return aligned(field->abi.n * odeon_dtype_bytes(field->abi.dtype));
}

odeon_status solver_fit(solver *s, const host_field *field)
{
    int64_t bytes = vector_bytes(field);
    if (bytes > s->vec_bytes) {
        free_vectors(s);
        s->vec_bytes = bytes;
    }
    if (aligned(field->frame_bytes) > s->frame_bytes) {
        solver_drop_records(s);
        free_frames(s);
        s->frame_bytes = aligned(field->frame_bytes);
    }
    s->use.frame_bytes = aligned(field->frame_bytes);
    s->field = field;
    return ODEON_OK;
}

static odeon_status add_vectors(solver *s, int64_t n)
{
    const odeon_device *device = s->lane->device;
    vec_chunk *chunk = mem_zalloc(1, sizeof *chunk);
    vec *vecs = mem_zalloc((size_t)n, sizeof *vecs);
    if (chunk == NULL || vecs == NULL) {
        mem_free(chunk);
        mem_free(vecs);
        return no_memory(s);
    }
    void *memory = NULL;
    odeon_status status = device->ops->alloc(device->self, (uint64_t)(n * s->vec_bytes), &memory);
    *chunk = (vec_chunk){.memory = memory, .vecs = vecs, .next = s->vec_chunks};
    if (status != ODEON_OK) {
        free_chunk(device, chunk);
        return status;
    }
    s->vec_chunks = chunk;
    for (int64_t i = n; i-- > 0;) {
        vecs[i] = (vec){.data = (char *)memory + i * s->vec_bytes, .next = s->free_vecs};
        s->free_vecs = &vecs[i];
    }
    s->n_vecs += n;
    s->n_free_vecs += n;
    return ODEON_OK;
}

/* A larger set replaces one that nobody holds; else, in the middle of a solve, the rest is added.
 */
static odeon_status reserve_vectors(solver *s, int64_t n)
{
    if (n <= s->n_vecs) {
        return ODEON_OK;
    }
    if (s->n_free_vecs == s->n_vecs) {
        free_vectors(s);
    }
    return add_vectors(s, n - s->n_vecs);
}

static odeon_status add_frames(solver *s)
{
    const odeon_device *device = s->lane->device;
    char **chunks = mem_grow(s->frame_chunks, s->n_chunks, sizeof *chunks);
    s->frame_chunks = chunks != NULL ? chunks : s->frame_chunks;
    odeon_frame **arrays = mem_grow(s->frame_arrays, s->n_chunks, sizeof *arrays);
    s->frame_arrays = arrays != NULL ? arrays : s->frame_arrays;
    odeon_frame *frames = mem_zalloc(FRAME_CHUNK, sizeof *frames);
    if (chunks == NULL || arrays == NULL || frames == NULL) {
        mem_free(frames);
        return no_memory(s);
    }
    void *memory = NULL;
    odeon_status status =
        device->ops->alloc(device->self, (uint64_t)(FRAME_CHUNK * s->frame_bytes), &memory);
    if (status != ODEON_OK) {
        mem_free(frames);
        return status;
    }
    s->frame_chunks[s->n_chunks] = memory;
    s->frame_arrays[s->n_chunks++] = frames;
    for (int i = 0; i < FRAME_CHUNK; i++) {
        frames[i] =
            (odeon_frame){.memory = (char *)memory + i * s->frame_bytes, .next = s->free_frames};
        s->free_frames = &frames[i];
    }
    s->n_frames += FRAME_CHUNK;
    s->n_free_frames += FRAME_CHUNK;
    return ODEON_OK;
}

/* Grows by half, so that it settles; an array of so many elements, or NULL, and then it stays. */
static void *grow(void *array, size_t *capacity, size_t wanted, size_t least, size_t size)
{
    if (wanted <= *capacity) {
        return array;
    }
    size_t larger = *capacity + *capacity / 2 + least;
    larger = larger < wanted ? wanted : larger;
    void *grown = mem_resize(array, larger, size);
    *capacity = grown != NULL ? larger : *capacity;
    return grown;
}

odeon_status solver_reserve_host(solver *s, size_t records, size_t kept, size_t attempts)
{
    void *list = grow(s->kept, &s->kept_capacity, kept, 64, sizeof *s->kept);
    s->kept = list != NULL ? list : s->kept;
    bool there = list != NULL || kept == 0;
    list = grow(s->records, &s->records_capacity, records, 16, sizeof *s->records);
    s->records = list != NULL ? list : s->records;
    there = there && (list != NULL || records == 0);
    list = grow(s->attempts, &s->attempts_capacity, attempts, 64, sizeof *s->attempts);
    s->attempts = list != NULL ? list : s->attempts;
    return there && (list != NULL || attempts == 0) ? ODEON_OK : no_memory(s);
}

/* Room for one more record of n evaluations. */
static odeon_status reserve_records(solver *s, size_t n)
{
    int64_t bytes =
        (int64_t)((s->n_records + 1) * sizeof *s->records + (s->n_kept + n) * sizeof *s->kept);
    s->use.record_bytes = bytes > s->use.record_bytes ? bytes : s->use.record_bytes;
    return solver_reserve_host(s, s->n_records + 1, s->n_kept + n, 0);
}

/* Vectors that a step forward, and one backward, can have in use at once. */
static int64_t vectors_needed(const solver *s, const program *p)
{
    enum { SPARE = 3 }; /* two slopes and a state to choose the first step */
    int64_t carry = s->stepper->info.n_carry;
    int64_t forward = p->max_live + carry, back = p->n_combines + p->n_evals + 2 * carry;
    return (forward > back || s->keep == ODEON_KEEP_NONE ? forward : back) + SPARE;
}

odeon_status solver_reserve(solver *s, const program *p)
{
    int64_t n = vectors_needed(s, p), bytes = n * vector_bytes(s->field);
    s->use.vector_bytes = bytes > s->use.vector_bytes ? bytes : s->use.vector_bytes;
    for (size_t i = 0; i < s->stepper->n_programs && s->n_free_vecs == s->n_vecs; i++) {
        int64_t other = vectors_needed(s, s->stepper->programs[i]); /* at once: between solves */
        n = other > n ? other : n;
    }
    ODEON_TRY(reserve_vectors(s, n));
    ODEON_TRY(solver_reserve_host(s, 0, 0, s->n_attempts + 1));
    if (s->keep == ODEON_KEEP_NONE) {
        return ODEON_OK;
    }
    while (s->n_free_frames < p->n_evals) {
        ODEON_TRY(add_frames(s));
    }
    return reserve_records(s, (size_t)p->n_evals);
}

held solver_take(solver *s)
{
    vec *v = s->free_vecs;
    if (v == NULL) {
        return (held){0};
    }
    s->free_vecs = v->next;
    s->n_free_vecs--;
    v->refs = 1;
    return (held){.data = v->data, .owner = v};
}

held solver_share(held x)
{
    if (x.owner != NULL) {
        x.owner->refs++;
    }
    return x;
}

void solver_release(solver *s, held *x)
{
    vec *v = x->owner;
    *x = (held){0};
    if (v != NULL && --v->refs == 0) {
        v->next = s->free_vecs;
        s->free_vecs = v;
        s->n_free_vecs++;
    }
}

void solver_let_all_go(solver *s)
{
    for (int32_t i = 0; i < s->stepper->n_places; i++) {
        solver_release(s, &s->at[i]);
        solver_release(s, &s->bar[i]);
    }
}

void solver_drop_records(solver *s)
{
    s->piece.kept = 0;
    for (size_t i = 0; i < s->n_kept; i++) {
        s->kept[i]->next = s->free_frames;
        s->free_frames = s->kept[i];
    }
    s->n_free_frames += (int64_t)s->n_kept;
    s->n_kept = 0;
    s->n_records = 0;
}

void solver_retake_frames(solver *s)
{
    for (size_t i = 0; i < s->n_kept; i++) {
        s->kept[i]->marked = true;
    }
    s->free_frames = NULL;
    for (size_t i = 0; i < s->n_chunks * FRAME_CHUNK; i++) {
        odeon_frame *frame = &s->frame_arrays[i / FRAME_CHUNK][i % FRAME_CHUNK];
        if (!frame->marked) {
            frame->next = s->free_frames;
            s->free_frames = frame;
        }
        frame->marked = false;
    }
    s->n_free_frames = s->n_frames - (int64_t)s->n_kept;
}

odeon_tensor solver_vector(const solver *s, held x)
{
    return (odeon_tensor){
        .data = x.data, .dim = {s->field->abi.n}, .ndim = 1, .dtype = s->field->abi.dtype};
}

odeon_tensor solver_part(const solver *s, held x, int32_t part)
{
    const odeon_part *p = &s->field->abi.parts[part];
    odeon_tensor tensor = solver_vector(s, x);
    tensor.data = x.data + p->offset * odeon_dtype_bytes(tensor.dtype);
    tensor.dim[0] = p->n;
    return tensor;
}

odeon_tensor solver_stage_time(const solver *s, int32_t eval)
{
    return (odeon_tensor){.data = s->slots + ODEON_SLOT_STAGE_T + eval,
                          .dim = {1},
                          .ndim = 1,
                          .dtype = ODEON_DTYPE_F64};
}
