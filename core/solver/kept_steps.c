#include "solver/kept_steps.h"

#include "base/mem.h"

void kept_steps_fini(kept_steps *k)
{
    mem_free(k->records);
    mem_free(k->first);
    mem_free(k->states.x);
    mem_free(k->slopes.x);
    *k = (kept_steps){0};
}

/* Those of entry `from` on. */
static void release_from(kept_vectors *v, workspace *w, size_t from)
{
    for (size_t i = from * v->width; i < v->n * v->width; i++) {
        workspace_release(w, &v->x[i]);
    }
    v->n = from;
}

/* The lists keep their memory for the next solve. */
void kept_steps_clear(kept_steps *k, workspace *w, int64_t every, size_t states, size_t slopes)
{
    release_from(&k->states, w, 0);
    release_from(&k->slopes, w, 0);
    k->n_records = 0;
    k->n_steps = 0;
    k->chooses = every == 0;
    k->every = k->chooses ? 1 : every;
    k->states.width = states;
    k->slopes.width = slopes;
}

static bool reserve_entry(kept_vectors *v)
{
    bound_vector *x = mem_reserve(v->x, &v->capacity, (v->n + 1) * v->width, 64, sizeof *v->x);
    v->x = x != NULL ? x : v->x;
    return x != NULL || v->width == 0;
}

/* Each list that could grow stays grown. */
bool kept_steps_reserve(kept_steps *k)
{
    solve_record *records =
        mem_reserve(k->records, &k->records_capacity, k->n_records + 2, 16, sizeof *records);
    k->records = records != NULL ? records : k->records;
    size_t *first = mem_reserve(k->first, &k->steps_capacity, k->n_steps + 1, 16, sizeof *first);
    k->first = first != NULL ? first : k->first;
    bool vectors = reserve_entry(&k->states) && reserve_entry(&k->slopes);
    return records != NULL && first != NULL && vectors;
}

/* A vector that several steps share counts for each: an upper bound. */
int64_t kept_steps_vectors(const kept_steps *k)
{
    return (int64_t)(k->states.n * k->states.width + k->slopes.n * k->slopes.width);
}

void kept_steps_add(kept_steps *k, const solve_record *record)
{
    size_t at = k->n_records++;
    k->records[at] = *record;
    if (!record->is_start) {
        k->first[k->n_steps++] = at > 0 && k->records[at - 1].is_start ? at - 1 : at;
    }
}

bool kept_steps_has_state(const kept_steps *k, int64_t i)
{
    return k->states.width > 0 && i % k->every == 0 && (size_t)(i / k->every) < k->states.n;
}

const bound_vector *kept_steps_state(const kept_steps *k, int64_t i)
{
    return k->states.x + (size_t)(i / k->every) * k->states.width;
}

const bound_vector *kept_steps_slopes(const kept_steps *k, int64_t i)
{
    return k->slopes.x + (size_t)i * k->slopes.width;
}

const solve_record *kept_steps_record(const kept_steps *k, int64_t i)
{
    const solve_record *record = &k->records[k->first[i]];
    return record->is_start ? record + 1 : record;
}

/* Entry 2 i becomes entry i; the others go. */
void kept_steps_thin(kept_steps *k, workspace *w)
{
    kept_vectors *v = &k->states;
    size_t left = (v->n + 1) / 2;
    for (size_t i = 0; i < left; i++) {
        for (size_t j = 0; j < v->width && i > 0; j++) {
            bound_vector *to = &v->x[i * v->width + j], *from = &v->x[2 * i * v->width + j];
            workspace_release(w, to);
            *to = *from;
            *from = (bound_vector){0};
        }
    }
    release_from(v, w, left);
    k->every *= 2;
}
