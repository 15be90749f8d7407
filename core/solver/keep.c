#include "solver/keep.h"

#include "base/diag.h"
#include "odeon/device_move.h"
#include "solver/outputs.h"

static bool keeps_states(const solver *s)
{
    return (s->task.keep & ODEON_KEEP_STATES) != 0;
}

static bool keeps_slopes(const solver *s)
{
    return (s->task.keep & ODEON_KEEP_DENSE) != 0;
}

bool keep_steps(const solver *s)
{
    return keeps_states(s) || keeps_slopes(s);
}

void keep_begin(solver *s)
{
    int32_t registers[1 + ODEON_MAX_STAGES];
    size_t states = keeps_states(s) ? 1 + (size_t)s->stepper->info.n_carry : 0;
    size_t slopes = keeps_slopes(s) ? (size_t)dense_registers(s, registers) : 0;
    kept_steps_clear(&s->kept, &s->memory, s->task.keep_every, states, slopes);
}

/* Cotangents are bound outside of a step only between two stretches, and then states are kept. */
static int64_t waiting_cotangents(const solver *s)
{
    int64_t n = 0;
    for (int32_t i = 0; i < s->stepper->n_registers; i++) {
        n += s->step.cotangent[i].owner != NULL;
    }
    return n;
}

int64_t keep_vectors(const solver *s)
{
    int64_t more = keep_steps(s) ? (int64_t)(s->kept.states.width + s->kept.slopes.width) : 0;
    int64_t kept = kept_steps_vectors(&s->kept);
    return kept + more > 0 ? kept + more + waiting_cotangents(s) : 0;
}

odeon_status keep_reserve(solver *s)
{
    return !keep_steps(s) || kept_steps_reserve(&s->kept)
               ? ODEON_OK
               : diag_fail(ODEON_ERR_NOMEM, "%s: no memory for the solver", s->path);
}

/* A counted vector gets one more user, and no step writes it again. One that is borrowed, from the
 * caller or from a frame, will be: it is copied. */
static odeon_status keep_vector(solver *s, bound_vector x, bound_vector *out)
{
    *out = (bound_vector){0};
    if (x.owner != NULL) {
        *out = workspace_share(x);
        return ODEON_OK;
    }
    ODEON_TRY(workspace_bind(&s->memory, out));
    odeon_tensor from = vector_tensor(s, x), to = vector_tensor(s, *out);
    return ODEON_DO(s->lane->device, move, copy, s->lane->queue, .x = &from.view, .y = &to);
}

static odeon_status keep_registers(solver *s, kept_vectors *v, const int32_t *registers)
{
    bound_vector *entry = v->x + v->n * v->width;
    for (size_t i = 0; i < v->width; i++) {
        entry[i] = (bound_vector){0};
    }
    v->n++;
    for (size_t i = 0; i < v->width; i++) {
        ODEON_TRY(keep_vector(s, s->step.value[registers[i]], &entry[i]));
    }
    return ODEON_OK;
}

static odeon_status keep_state(solver *s)
{
    int32_t registers[1 + ODEON_MAX_CARRY] = {REG_Y0};
    for (int32_t i = 0; i < s->stepper->info.n_carry; i++) {
        registers[1 + i] = reg_carry_in(s->stepper, i);
    }
    return keep_registers(s, &s->kept.states, registers);
}

/* States are thinned out when they take more memory than the frames of the steps between two of
 * them: their sum is then about as small as it can be, since one falls as the other grows. */
static void balance(solver *s, const program *p)
{
    const workspace *w = &s->memory;
    const kept_steps *k = &s->kept;
    int64_t states = (int64_t)(k->states.n * k->states.width) * w->vector_bytes;
    int64_t frames = k->every * p->n_evals * w->peak.frame_bytes;
    if (k->chooses && states > frames && k->states.n > 1) {
        kept_steps_thin(&s->kept, &s->memory);
    }
}

odeon_status keep_values(solver *s, const program *p)
{
    int32_t registers[1 + ODEON_MAX_STAGES];
    const kept_steps *k = &s->kept;
    if (keeps_states(s) && (int64_t)k->n_steps % k->every == 0) {
        ODEON_TRY(keep_state(s));
        balance(s, p);
    }
    if (!keeps_slopes(s)) {
        return ODEON_OK;
    }
    (void)dense_registers(s, registers);
    return keep_registers(s, &s->kept.slopes, registers);
}

void keep_record(solver *s, const solve_record *record)
{
    if (keep_steps(s)) {
        kept_steps_add(&s->kept, record);
    }
}
