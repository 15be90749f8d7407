#include "solver/program.h"

/* What the step gives to the loop, and what it starts from. */
static bool outlives_step(int32_t n_carry, int32_t reg)
{
    return reg < REG_CARRY + 2 * n_carry;
}

static void use(program *p, int32_t reg, int32_t at)
{
    p->last_use[reg] = at > p->last_use[reg] ? at : p->last_use[reg];
}

/* Which registers a verb reads and writes, at which verb they are still needed. The error is judged
 * at the end of the step, wherever its verb stands, since it is scaled by y1. */
static void note_uses(program *p, int32_t v)
{
    const verb *w = &p->verbs[v];
    bool error = w->kind == VERB_COMBINE && w->out == REG_ERROR;
    int32_t at = error ? p->n_verbs : v;
    if (w->kind == VERB_EVAL || w->kind == VERB_IMPLICIT) {
        use(p, w->in, at);
    }
    if (w->kind == VERB_IMPLICIT) {
        use(p, w->state, v);
    }
    for (int32_t i = 0; i < w->n; i++) {
        use(p, p->terms[w->first + i].x, at);
    }
    use(p, w->out, v);
}

static void list_free(program *p)
{
    int32_t n = 0;
    for (int32_t v = 0; v < p->n_verbs; v++) {
        p->free_begin[v] = n;
        for (int32_t i = 0; i < p->n_registers; i++) {
            if (p->last_use[i] == v) {
                p->free_order[n++] = i;
            }
        }
    }
    p->free_begin[p->n_verbs] = n;
}

static void list_uses_of(program *p, int32_t reg, int32_t *n)
{
    for (int32_t v = 0; v < p->n_verbs; v++) {
        const verb *w = &p->verbs[v];
        bool reads = w->kind == VERB_COMBINE && w->out != REG_ERROR;
        for (int32_t i = w->first; reads && i < w->first + w->n; i++) {
            if (p->terms[i].x == reg) {
                p->uses[(*n)++] = (program_use){.verb = v, .term = i};
            }
        }
    }
}

static void list_uses(program *p)
{
    int32_t n = 0;
    for (int32_t reg = 0; reg < p->n_registers; reg++) {
        p->use_begin[reg] = n;
        list_uses_of(p, reg, &n);
    }
    p->use_begin[p->n_registers] = n;
}

/* Registers that are combined from, or joined: all but those that are only evaluated at. */
static void find_eval_only(program *p, int32_t n_carry)
{
    for (int32_t i = 0; i < p->n_registers; i++) {
        bool leaves = i <= REG_ERROR || (i >= REG_CARRY + n_carry && outlives_step(n_carry, i));
        p->eval_only[i] = !leaves;
    }
    for (int32_t v = 0; v < p->n_verbs; v++) {
        const verb *w = &p->verbs[v];
        for (int32_t i = 0; i < w->n && w->kind != VERB_IMPLICIT; i++) {
            p->eval_only[p->terms[w->first + i].x] = false;
        }
    }
}

/* Counts vectors in use verb by verb: what a workspace has to hold. A register is free behind its
 * last use. */
static void find_max_live(program *p, int32_t n_carry)
{
    int32_t live = 1 + n_carry;
    p->max_live = 0;
    for (int32_t v = 0; v < p->n_verbs; v++) {
        live += p->verbs[v].out != REG_ERROR; /* never stored: only its norm is */
        live += p->verbs[v].kind == VERB_IMPLICIT;
        p->max_live = live > p->max_live ? live : p->max_live;
        for (int32_t i = 0; i < p->n_registers; i++) {
            live -= p->last_use[i] == v;
        }
    }
}

/* Of one verb's reverse: a vjp writes into a vector of its own, and gives back what it has read; a
 * combination's cotangent stays, since what it combines is reached later. */
static void reverse_verb(const program *p, int32_t v, bool *bound)
{
    const verb *w = &p->verbs[v];
    bound[w->in] = bound[w->in] || w->kind == VERB_EVAL || w->kind == VERB_IMPLICIT;
    for (int32_t i = 0; i < w->n && w->kind == VERB_JOIN; i++) {
        bound[p->terms[w->first + i].x] = true;
    }
    if (w->kind != VERB_COMBINE) {
        bound[w->out] = false;
    }
    if (w->kind == VERB_IMPLICIT) {
        bound[w->state] = false;
    }
}

/* Every value may have a cotangent when its verb is reached; what goes into the step, at its end.
 */
static void find_reverse_live(program *p, int32_t n_carry)
{
    bool bound[PROGRAM_MAX_REGISTERS] = {[REG_Y1] = true};
    for (int32_t i = 0; i < n_carry; i++) {
        bound[REG_CARRY + n_carry + i] = true;
    }
    for (int32_t v = p->n_verbs; v-- > 0;) {
        const verb *w = &p->verbs[v];
        int32_t live = 1 + 1 + n_carry; /* the target, and those of Y0 and carry in */
        if (w->out == REG_ERROR) {
            continue;
        }
        bound[w->out] = true;
        bound[w->state] = bound[w->state] || w->kind == VERB_IMPLICIT;
        for (int32_t i = REG_Y1; i < PROGRAM_MAX_REGISTERS; i++) {
            live += bound[i] && (i < REG_CARRY || i >= REG_CARRY + n_carry);
        }
        p->reverse_live = live > p->reverse_live ? live : p->reverse_live;
        reverse_verb(p, v, bound);
    }
}

void program_finish(program *p, int32_t n_carry, int32_t n_kept, const int32_t *kept)
{
    for (int32_t i = 0; i < PROGRAM_MAX_REGISTERS; i++) {
        p->last_use[i] = outlives_step(n_carry, i) ? p->n_verbs : -1;
    }
    for (int32_t v = 0; v < p->n_verbs; v++) {
        note_uses(p, v);
        p->n_combines += p->verbs[v].kind == VERB_COMBINE || p->verbs[v].kind == VERB_JOIN;
        p->n_joins += p->verbs[v].kind == VERB_JOIN;
    }
    for (int32_t i = 0; i < n_kept; i++) {
        p->last_use[kept[i]] = p->n_verbs;
    }
    find_eval_only(p, n_carry);
    find_max_live(p, n_carry);
    find_reverse_live(p, n_carry);
    list_free(p);
    list_uses(p);
}

const verb *program_error_verb(const program *p, int32_t estimate)
{
    for (int32_t v = 0; v < p->n_verbs; v++) {
        const verb *w = &p->verbs[v];
        if (w->kind == VERB_COMBINE && w->out == REG_ERROR && w->estimate == estimate) {
            return w;
        }
    }
    return NULL;
}
