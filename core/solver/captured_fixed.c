/* Solves by steps known beforehand, and the walk back through them, recorded whole and replayed.
 *
 * A recording is the operators of the very code that would carry the solve out. What that code
 * leaves on the host, counters, records, frames in use, is noted and brought back by a replay. */
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "solver/solver.h"

/* A longer solve is bound by its operators, and its recording would be large. */
enum { MOST_EVALS = 4096 };

enum { KEY_SOLVE = 1, KEY_REVERSE = 2 };

/* The first part of a key; no gaps. */
typedef struct key_head {
    field_identity field;
    size_t n_records, n_kept;
    int32_t kind, keep, n_times, reserved0;
} key_head;

/* Of a record, what its reverse depends on; no gaps. */
typedef struct key_record {
    double t, h;
    const program *program;
    int32_t first_output, n_outputs, is_start, is_first;
} key_record;

/* ---- keys ---- */

static bool add_bytes(solver *s, const void *bytes, size_t n)
{
    if (s->key_bytes + n > s->key_capacity) {
        size_t capacity = s->key_capacity + s->key_capacity / 2 + n + sizeof(key_head);
        char *key = mem_resize(s->key, capacity, 1);
        if (key == NULL) {
            return false;
        }
        s->key = key;
        s->key_capacity = capacity;
    }
    memcpy(s->key + s->key_bytes, bytes, n);
    s->key_bytes += n;
    return true;
}

static bool add_address(solver *s, const void *address)
{
    return add_bytes(s, &address, sizeof address);
}

static bool begin_key(solver *s, int32_t kind)
{
    key_head head;
    memset(&head, 0, sizeof head);
    head.field = s->field->identity;
    head.kind = kind;
    head.keep = s->keep;
    head.n_times = s->n_times;
    head.n_records = kind == KEY_REVERSE ? s->n_records : 0;
    head.n_kept = kind == KEY_REVERSE ? s->n_kept : 0;
    s->key_bytes = 0;
    return add_bytes(s, &head, sizeof head);
}

static bool make_solve_key(solver *s)
{
    bool ok =
        begin_key(s, KEY_SOLVE) && add_bytes(s, s->times, (size_t)s->n_times * sizeof *s->times);
    for (int32_t i = 0; i < s->n_times && ok; i++) {
        ok = add_address(s, s->y[i].data);
    }
    return ok;
}

static bool add_record(solver *s, const solve_record *record)
{
    key_record r = {.t = record->t,
                    .h = record->h,
                    .program = record->program,
                    .first_output = record->first_output,
                    .n_outputs = record->n_outputs,
                    .is_start = record->is_start,
                    .is_first = record->is_first};
    return add_bytes(s, &r, sizeof r);
}

/* However the solve came about, its records and frames say what its reverse is. */
static bool make_reverse_key(solver *s, const odeon_tensor *d_y, const odeon_tensor *d_y0)
{
    bool ok = begin_key(s, KEY_REVERSE) && add_address(s, d_y0->data) &&
              add_bytes(s, s->read_at + 1, (size_t)(s->n_times - 1) * sizeof *s->read_at);
    for (int32_t i = 0; i < s->n_times && ok; i++) {
        ok = add_address(s, d_y[i].data);
    }
    for (size_t i = 0; i < s->n_records && ok; i++) {
        ok = add_record(s, &s->records[i]);
    }
    for (size_t i = 0; i < s->n_kept && ok; i++) {
        ok = add_address(s, s->kept[i]->memory);
    }
    return ok;
}

static bool may_record(const solver *s)
{
    return s->field->is_recordable && capture_cache_capture(s->captures) != NULL;
}

static int32_t ask(solver *s, bool has_key, recorded **out)
{
    *out = NULL;
    return has_key ? capture_cache_ask(s->captures, s->key, s->key_bytes, out) : CAPTURE_CACHE_RUN;
}

/* ---- what a solve leaves on the host ---- */

typedef struct solve_notes {
    solve_stats stats;
    solve_use use; /* of this solve alone */
    int64_t evals, body_evals, index;
    size_t n_records, n_kept, n_attempts;
    /* in the same block of memory: */
    solve_record *records;
    odeon_frame **kept;
    solve_attempt *attempts;
    double *read_at;
} solve_notes;

/* Where a solve begins. */
typedef struct solve_start {
    solve_use use;
    int64_t body_evals;
    size_t n_attempts;
} solve_start;

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void add_use(solve_use *all, const solve_use *one)
{
    all->frames = larger(all->frames, one->frames);
    all->vector_bytes = larger(all->vector_bytes, one->vector_bytes);
    all->record_bytes = larger(all->record_bytes, one->record_bytes);
    all->frame_bytes = one->frame_bytes;
}

/* Copies of n elements at to, which moves on. */
static void *note(char **to, const void *from, size_t n, size_t size)
{
    void *copy = *to;
    if (n > 0) { /* else either may be NULL */
        memcpy(copy, from, n * size);
        *to += n * size;
    }
    return copy;
}

/* Notes of the solve just carried out; NULL without memory. */
static solve_notes *take_notes(const solver *s, const solve_start *start)
{
    size_t n_attempts = s->n_attempts - start->n_attempts, n_times = (size_t)s->n_times;
    size_t bytes = s->n_records * sizeof *s->records + s->n_kept * sizeof *s->kept +
                   n_attempts * sizeof *s->attempts + n_times * sizeof *s->read_at;
    solve_notes *notes = mem_alloc(sizeof *notes + bytes);
    if (notes == NULL) {
        return NULL;
    }
    char *to = (char *)(notes + 1);
    *notes = (solve_notes){.stats = s->stats,
                           .use = s->use,
                           .evals = s->evals,
                           .body_evals = *s->field->evals - start->body_evals,
                           .index = s->index,
                           .n_records = s->n_records,
                           .n_kept = s->n_kept,
                           .n_attempts = n_attempts};
    notes->records = note(&to, s->records, s->n_records, sizeof *s->records);
    notes->kept = note(&to, s->kept, s->n_kept, sizeof *s->kept);
    notes->attempts = note(&to, s->attempts + start->n_attempts, n_attempts, sizeof *s->attempts);
    notes->read_at = note(&to, s->read_at, n_times, sizeof *s->read_at);
    return notes;
}

/* As if the solve had been carried out. There is room. */
static void bring_back(solver *s, const solve_notes *notes)
{
    s->stats = notes->stats;
    s->evals = notes->evals;
    s->index = notes->index;
    s->next = s->n_times;
    s->failed = false;
    *s->field->evals += notes->body_evals;
    add_use(&s->use, &notes->use);
    char *attempts = (char *)(s->attempts + s->n_attempts), *records = (char *)s->records;
    char *kept = (char *)s->kept, *read_at = (char *)s->read_at;
    (void)note(&attempts, notes->attempts, notes->n_attempts, sizeof *s->attempts);
    (void)note(&records, notes->records, notes->n_records, sizeof *s->records);
    (void)note(&kept, notes->kept, notes->n_kept, sizeof *s->kept);
    (void)note(&read_at, notes->read_at, (size_t)s->n_times, sizeof *s->read_at);
    s->n_attempts += notes->n_attempts;
    s->n_records = notes->n_records;
    s->n_kept = notes->n_kept;
    solver_retake_frames(s);
}

/* ---- the solve ---- */

static odeon_status replay_solve(solver *s, const recorded *x)
{
    const solve_notes *notes = x->notes;
    ODEON_TRY(
        solver_reserve_host(s, notes->n_records, notes->n_kept, s->n_attempts + notes->n_attempts));
    odeon_status status = capture_cache_replay(s->captures, x);
    if (status != ODEON_OK) {
        s->failed = true;
        return status;
    }
    bring_back(s, notes);
    return ODEON_OK;
}

/* Records the solve, which leaves the host as carrying it out does; or all is as before. */
static odeon_status take_solve(solver *s, recorded *x)
{
    solve_start start = {
        .use = s->use, .body_evals = *s->field->evals, .n_attempts = s->n_attempts};
    s->use = (solve_use){.frame_bytes = start.use.frame_bytes};
    odeon_status status = capture_cache_begin(s->captures, x);
    if (status == ODEON_OK) {
        status = solver_carry_out(s);
    }
    if (status == ODEON_OK) {
        x->notes = take_notes(s, &start);
        status = x->notes != NULL ? ODEON_OK : ODEON_ERR_NOMEM;
    }
    status = capture_cache_end(s->captures, x, status);
    add_use(&s->use, &start.use);
    if (status != ODEON_OK) {
        s->use = start.use;
        *s->field->evals = start.body_evals;
        s->n_attempts = start.n_attempts;
        s->failed = false;
        s->worst = (solve_worst){.part = NULL};
        solver_start_over(s);
    }
    return status;
}

odeon_status solver_carry_out_recorded(solver *s)
{
    recorded *x;
    int32_t answer = ask(s, may_record(s) && make_solve_key(s), &x);
    if (answer == CAPTURE_CACHE_REPLAY) {
        return replay_solve(s, x);
    }
    if (answer == CAPTURE_CACHE_TAKE && take_solve(s, x) == ODEON_OK) {
        odeon_status status = capture_cache_replay(s->captures, x);
        s->failed = status != ODEON_OK;
        return status;
    }
    odeon_status status = solver_carry_out(s);
    if (s->evals > MOST_EVALS) {
        capture_cache_decline(x);
    }
    return status;
}

/* ---- the walk back ---- */

/* Records it, which uses up the records; or they are there as before. */
static odeon_status take_walk(solver *s, recorded *x, const odeon_tensor *d_y,
                              const odeon_tensor *d_y0)
{
    size_t n_records = s->n_records, n_kept = s->n_kept;
    odeon_status status = capture_cache_begin(s->captures, x);
    if (status == ODEON_OK) {
        status = solver_walk_back(s, d_y, d_y0);
    }
    status = capture_cache_end(s->captures, x, status);
    if (status != ODEON_OK) {
        s->n_records = n_records;
        s->n_kept = n_kept;
        solver_retake_frames(s);
    }
    return status;
}

odeon_status solver_walk_back_recorded(solver *s, const odeon_tensor *d_y, const odeon_tensor *d_y0)
{
    recorded *x;
    bool has_key = may_record(s) && s->n_kept <= MOST_EVALS && make_reverse_key(s, d_y, d_y0);
    int32_t answer = ask(s, has_key, &x);
    if (answer == CAPTURE_CACHE_RUN ||
        (answer == CAPTURE_CACHE_TAKE && take_walk(s, x, d_y, d_y0) != ODEON_OK)) {
        return solver_walk_back(s, d_y, d_y0);
    }
    solver_drop_records(s);
    return capture_cache_replay(s->captures, x);
}
