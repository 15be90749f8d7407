/* Programs are recorded and not written by hand: a method's step is called once with verbs that
 * only note down what it says. Everything that a plugin can get wrong is found there, before
 * anything is computed; from then on a program is data that is known to be sound. */
#include "solver/stepper.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_solver.h"
#include "plugin/calling.h"
#include "plugin/tableau_pair.h"
#include "plugin/words.h"
#include "solver/control_hints.h"

/* One program being recorded (which is no capture: nothing is computed): the verbs of a plugin's
 * step arrive here. */
typedef struct recorder {
    const stepper *stepper;
    program *program;
    bool start; /* recording start: only CARRY_OUT may be written */
    bool written[PROGRAM_MAX_REGISTERS], combined[PROGRAM_MAX_REGISTERS];
} recorder;

int32_t reg_carry_in(const stepper *s, int32_t i)
{
    (void)s;
    return REG_CARRY + i;
}

int32_t reg_carry_out(const stepper *s, int32_t i)
{
    return REG_CARRY + s->info.n_carry + i;
}

/* The register of a handle, or -1. */
static int32_t register_of(const stepper *s, int32_t handle)
{
    int32_t n_carry = s->info.n_carry, n_work = s->info.n_work;
    if (handle >= 0 && handle <= ODEON_HANDLE_ERROR) {
        return handle;
    }
    if (handle >= ODEON_HANDLE_CARRY_IN && handle < ODEON_HANDLE_CARRY_IN + n_carry) {
        return reg_carry_in(s, handle - ODEON_HANDLE_CARRY_IN);
    }
    if (handle >= ODEON_HANDLE_CARRY_OUT && handle < ODEON_HANDLE_CARRY_OUT + n_carry) {
        return reg_carry_out(s, handle - ODEON_HANDLE_CARRY_OUT);
    }
    if (handle >= ODEON_HANDLE_WORK && handle < ODEON_HANDLE_WORK + n_work) {
        return REG_CARRY + 2 * n_carry + handle - ODEON_HANDLE_WORK;
    }
    return -1;
}

/* One message for all rules of handles: it names the handle as the plugin's author knows it. */
static odeon_status broken(const recorder *r, int32_t handle, const char *why)
{
    return diag_fail(ODEON_ERR_PLUGIN, "integrator %s: step uses handle %d wrongly: %s",
                     r->stepper->instance->component->id, (int)handle, why);
}

/* A value exists only after its verb: nothing can be read that a later verb writes. The error
 * estimate is never stored. */
static odeon_status readable(const recorder *r, int32_t handle, int32_t *reg)
{
    *reg = register_of(r->stepper, handle);
    if (*reg < 0 || *reg == REG_ERROR) {
        return broken(r, handle, "it cannot be read");
    }
    return r->written[*reg] ? ODEON_OK : broken(r, handle, "read before it is written");
}

/* What a step starts from is the host's and may be needed again, if the step is rejected. */
static odeon_status writable(recorder *r, int32_t handle, int32_t *reg)
{
    const stepper *s = r->stepper;
    *reg = register_of(s, handle);
    bool carry_in = *reg >= REG_CARRY && *reg < reg_carry_out(s, 0);
    bool barred = r->start && (*reg == REG_Y1 || *reg == REG_ERROR);
    if (*reg <= REG_Y0 || carry_in || barred) {
        return broken(r, handle, "it cannot be written");
    }
    return r->written[*reg] ? broken(r, handle, "written twice") : ODEON_OK;
}

/* tableau_step.eval_terms. */
static odeon_status record_eval_terms(void *self, int32_t k, double c, int32_t y, int32_t which)
{
    recorder *r = self;
    program *p = r->program;
    verb v = {.kind = VERB_EVAL, .c = c, .eval = p->n_evals, .terms = which};
    ODEON_TRY(readable(r, y, &v.in));
    ODEON_TRY(writable(r, k, &v.out));
    if (v.out == REG_ERROR || p->n_evals == ODEON_MAX_STAGES) {
        return broken(r, k, "no more evaluations, and none into the error");
    }
    p->c[p->n_evals++] = c;
    p->verbs[p->n_verbs++] = v;
    r->written[v.out] = true;
    return ODEON_OK;
}

/* odeon_step.eval, as the plugin calls it. */
static odeon_status record_eval(void *self, int32_t k, double c, int32_t y)
{
    return record_eval_terms(self, k, c, y, TERMS_ALL);
}

/* odeon_step.combine. Terms are checked one by one, since a plugin may have set anything. */
static odeon_status record_combine(void *self, int32_t out, int32_t n, const odeon_term *terms)
{
    recorder *r = self;
    program *p = r->program;
    verb v = {.kind = VERB_COMBINE, .first = p->n_terms, .n = n};
    ODEON_TRY(writable(r, out, &v.out));
    if (n < 1 || n > ODEON_MAX_STAGES || p->n_terms + n > PROGRAM_MAX_TERMS) {
        return broken(r, out, "wrong number of terms");
    }
    for (int32_t i = 0; i < n; i++) {
        odeon_term *term = &p->terms[p->n_terms + i];
        *term = terms[i];
        ODEON_TRY(words_check_call(&terms[i], words_of_term));
        ODEON_TRY(readable(r, terms[i].x, &term->x));
        r->combined[term->x] = true;
    }
    p->n_terms += n;
    p->verbs[p->n_verbs++] = v;
    r->written[v.out] = true;
    return ODEON_OK;
}

/* tableau_step.implicit. The tables that it comes from are proved; that registers are free is
 * checked as of any verb. */
static odeon_status record_implicit(void *self, const tableau_stage *stage)
{
    recorder *r = self;
    program *p = r->program;
    verb v = {.kind = VERB_IMPLICIT,
              .c = stage->c,
              .gamma = stage->gamma,
              .eval = p->n_evals,
              .first = p->n_terms,
              .n = stage->n,
              .terms = stage->terms};
    ODEON_TRY(readable(r, stage->base, &v.in));
    for (int32_t i = 0; i < stage->n; i++) {
        odeon_term *term = &p->terms[p->n_terms++];
        *term = stage->guess[i];
        ODEON_TRY(readable(r, stage->guess[i].x, &term->x));
    }
    ODEON_TRY(writable(r, stage->k, &v.out));
    r->written[v.out] = true;
    ODEON_TRY(writable(r, stage->y, &v.state));
    r->written[v.state] = true;
    p->c[p->n_evals++] = stage->c;
    p->n_implicit++;
    p->verbs[p->n_verbs++] = v;
    return ODEON_OK;
}

/* tableau_step.estimate: beside the first, of which record_combine knows. */
static odeon_status record_estimate(void *self, int32_t number, int32_t n, const odeon_term *terms)
{
    recorder *r = self;
    program *p = r->program;
    verb v = {
        .kind = VERB_COMBINE, .out = REG_ERROR, .first = p->n_terms, .n = n, .estimate = number};
    for (int32_t i = 0; i < n; i++) {
        odeon_term *term = &p->terms[p->n_terms++];
        *term = terms[i];
        ODEON_TRY(readable(r, terms[i].x, &term->x));
        r->combined[term->x] = true;
    }
    p->verbs[p->n_verbs++] = v;
    return ODEON_OK;
}

/* Has everything been written that a step must write? What is missing would be whatever a vector
 * held before. */
static odeon_status complete(const recorder *r)
{
    const stepper *s = r->stepper;
    if (!r->start && !r->written[REG_Y1]) {
        return broken(r, ODEON_HANDLE_Y1, "never written");
    }
    if (!r->start && s->info.embedded_order > 0 && !r->written[REG_ERROR]) {
        return broken(r, ODEON_HANDLE_ERROR, "never written");
    }
    for (int32_t i = 0; i < s->info.n_carry; i++) {
        if (!r->written[reg_carry_out(s, i)]) {
            return broken(r, ODEON_HANDLE_CARRY_OUT + i, "never written");
        }
    }
    return ODEON_OK;
}

/* What the step gives to the loop: registers that must survive its last verb. */
static bool leaves_step(const stepper *s, int32_t reg)
{
    int32_t first = reg_carry_out(s, 0);
    return reg <= REG_ERROR || (reg >= first && reg < first + s->info.n_carry);
}

/* Slopes are read once more where dense output is asked for. */
static void keep_slopes(const stepper *s, program *p)
{
    int32_t n = s->dense ? tableau_slopes(s->tableau) : 0;
    for (int32_t i = 0; i < n; i++) {
        p->last_use[register_of(s, tableau_slope(s->tableau, i))] = p->n_verbs;
    }
}

/* Weights are polynomials in x without a constant term, by Horner's rule: at x = 0 the value is y0.
 */
int32_t stepper_dense(const stepper *s, double x, int32_t *registers, double *weights)
{
    const odeon_tableau *t = s->tableau;
    int32_t n = tableau_slopes(t);
    for (int32_t i = 0; i < n; i++) {
        const double *row = tableau_interp(t, i);
        registers[i] = register_of(s, tableau_slope(t, i));
        weights[i] = 0.0;
        for (int32_t j = t->interp_degree; j-- > 0;) {
            weights[i] = (weights[i] + row[j]) * x;
        }
    }
    return n;
}

/* After which verb each register is free again. The error is judged at the end of the step,
 * whenever it was said, since it is scaled by y1. */
static void find_last_uses(const stepper *s, program *p)
{
    for (int32_t i = 0; i < s->n_registers; i++) {
        bool stays = leaves_step(s, i) || i < reg_carry_out(s, 0);
        p->last_use[i] = stays ? p->n_verbs : -1;
    }
    for (int32_t v = 0; v < p->n_verbs; v++) {
        const verb *w = &p->verbs[v];
        bool error = w->kind == VERB_COMBINE && w->out == REG_ERROR;
        int32_t at = error ? p->n_verbs : v;
        if (w->kind != VERB_COMBINE) {
            p->last_use[w->in] = at > p->last_use[w->in] ? at : p->last_use[w->in];
        }
        if (w->kind == VERB_IMPLICIT) {
            p->last_use[w->state] = v > p->last_use[w->state] ? v : p->last_use[w->state];
        }
        for (int32_t i = 0; i < w->n; i++) {
            int32_t *last = &p->last_use[p->terms[w->first + i].x];
            *last = at > *last ? at : *last;
        }
        p->last_use[w->out] = v > p->last_use[w->out] ? v : p->last_use[w->out];
        p->n_combines += w->kind == VERB_COMBINE;
    }
}

/* Counts vectors in use verb by verb: what a workspace has to hold. A register is free behind its
 * last use. */
static void find_max_live(const stepper *s, program *p)
{
    int32_t live = 1 + s->info.n_carry;
    for (int32_t v = 0; v < p->n_verbs; v++) {
        live += p->verbs[v].out != REG_ERROR; /* never stored: only its norm is */
        live += p->verbs[v].kind == VERB_IMPLICIT;
        p->max_live = live > p->max_live ? live : p->max_live;
        for (int32_t i = 0; i < s->n_registers; i++) {
            live -= p->last_use[i] == v;
        }
    }
}

/* Runs start (index < 0) or step and leaves its verbs in s->scratch. All of it is zeroed, padding
 * included, since programs are compared byte by byte. */
static odeon_status record(stepper *s, int64_t index)
{
    recorder r = {.stepper = s, .program = s->scratch, .start = index < 0};
    memset(s->scratch, 0, sizeof *s->scratch);
    r.written[REG_Y0] = true;
    for (int32_t i = 0; i < s->info.n_carry && index >= 0; i++) {
        r.written[reg_carry_in(s, i)] = true;
    }
    tableau_step all = {.verbs = {.struct_size = sizeof all.verbs,
                                  .index = index < 0 ? 0 : index,
                                  .self = &r,
                                  .eval = record_eval,
                                  .combine = record_combine},
                        .implicit = record_implicit,
                        .eval_terms = record_eval_terms,
                        .estimate = record_estimate};
    const odeon_step *step = &all.verbs;
    calling outer = calling_begin(s->instance, index < 0 ? "start" : "step");
    ODEON_TRY(
        calling_end(outer, index < 0 ? s->ops->start(s->self, step) : s->ops->step(s->self, step)));
    ODEON_TRY(complete(&r));
    for (int32_t i = 0; i < s->n_registers; i++) {
        s->scratch->eval_only[i] = !leaves_step(s, i) && !r.combined[i];
    }
    find_last_uses(s, s->scratch);
    if (index >= 0) {
        keep_slopes(s, s->scratch);
    }
    find_max_live(s, s->scratch);
    return ODEON_OK;
}

/* A copy of the whole structure, padding included: programs are compared byte by byte. */
static odeon_status keep_scratch(stepper *s, program **out)
{
    program *copy = mem_zalloc(1, sizeof *copy);
    if (copy == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "integrator: no memory");
    }
    memcpy(copy, s->scratch, sizeof *copy); /* what lies between its members as well */
    *out = copy;
    return ODEON_OK;
}

/* A method is asked at every index, for all that it says may depend on it; equal answers are one
 * program, so that a multistep method ends up with a few. The newest are compared first: the next
 * step is most often like the one before. */
odeon_status stepper_program(stepper *s, int64_t index, const program **out)
{
    *out = NULL;
    if (s->tableau != NULL && s->n_programs > 0) { /* the same verbs at every index */
        *out = s->programs[0];
        return ODEON_OK;
    }
    ODEON_TRY(record(s, index));
    for (size_t i = s->n_programs; i-- > 0;) {
        if (memcmp(s->programs[i], s->scratch, sizeof *s->scratch) == 0) {
            *out = s->programs[i];
            return ODEON_OK;
        }
    }
    program **list = mem_grow(s->programs, s->n_programs, sizeof(program *));
    if (list == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "integrator: no memory");
    }
    s->programs = list;
    ODEON_TRY(keep_scratch(s, &list[s->n_programs]));
    *out = list[s->n_programs++];
    return ODEON_OK;
}

/* What a plugin says of itself is checked before anything is sized by it. */
static odeon_status describe(stepper *s, const char *path)
{
    s->info = (odeon_stepper_info){.struct_size = sizeof s->info};
    calling outer = calling_begin(s->instance, "describe");
    ODEON_TRY(calling_end(outer, s->ops->describe(s->self, &s->info)));
    const odeon_stepper_info *info = &s->info;
    ODEON_TRY(words_check(s->instance, "describe", info, words_of_stepper_info));
    if (info->order < 1 || info->embedded_order < 0 || info->n_carry < 0 ||
        info->n_carry > ODEON_MAX_CARRY || info->n_work < 0 || info->n_work > ODEON_MAX_WORK) {
        return diag_fail(ODEON_ERR_PLUGIN, "%s: describes itself with numbers out of range", path);
    }
    s->n_registers = REG_CARRY + 2 * info->n_carry + info->n_work;
    return ODEON_OK;
}

/* Which tier the component is of: a tableau, a stepper, or a whole solver. */
static odeon_status choose_tier(stepper *s, const char *path)
{
    const odeon_integrator *kind = s->instance->component->ops;
    ODEON_TRY(control_hints_check(kind, path));
    s->tableau = kind->tableau;
    if (s->tableau != NULL) {
        const char *beyond = tableau_beyond_host(s->tableau);
        if (beyond != NULL) {
            return diag_fail(ODEON_ERR_UNSUPPORTED,
                             "%s: integrator %s: this host cannot yet carry out %s", path,
                             s->instance->component->id, beyond);
        }
        s->ops = s->tableau->a_im != NULL ? &tableau_pair_ops : &tableau_stepper_ops;
        s->implicit = tableau_is_implicit(s->tableau);
        memcpy(&s->self, &kind->tableau, sizeof s->self);
        return ODEON_OK;
    }
    if (kind->stepper == NULL) {
        return diag_fail(ODEON_ERR_UNSUPPORTED, "%s: whole solvers cannot be used yet", path);
    }
    s->ops = kind->stepper;
    s->self = s->instance->self;
    return ODEON_OK;
}

/* The order is that of what depends on what: the tier before the description, that before any
 * program. */
static odeon_status fill(stepper *s, const odeon_config *config, const char *path, int32_t dense)
{
    ODEON_TRY(instance_create(config, path, &s->instance));
    ODEON_TRY(choose_tier(s, path));
    s->dense = dense != DENSE_UNUSED && s->tableau != NULL && s->tableau->interp_degree > 0;
    if (dense == DENSE_REQUIRED && !s->dense) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: integrator %s has no dense output to read the end from: give end = "
                         "clip, or another integrator",
                         path, s->instance->component->id);
    }
    if (s->dense) {
        s->ops = s->tableau->a_im != NULL ? &tableau_dense_pair_ops : &tableau_dense_stepper_ops;
    }
    ODEON_TRY(describe(s, path));
    s->scratch = mem_zalloc(1, sizeof *s->scratch);
    if (s->scratch == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
    }
    if (s->info.n_carry > 0 && ODEON_HAS(s->ops, odeon_stepper_ops, start)) {
        ODEON_TRY(record(s, -1));
        ODEON_TRY(keep_scratch(s, &s->start));
    }
    /* The first few indices are where multistep methods differ from step to step; seen now, they
     * are checked before any data is, and reserve what the later ones need. */
    const program *seen;
    for (int64_t index = 0; index <= ODEON_MAX_CARRY; index++) {
        ODEON_TRY(stepper_program(s, index, &seen));
    }
    if ((s->info.flags & ODEON_STEPPER_UNIFORM) != 0 && s->n_programs > 1) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "%s: integrator %s says that all its steps are alike, but they differ",
                         path, s->instance->component->id);
    }
    return ODEON_OK;
}

/* On failure all that was made goes, and *out stays NULL. */
odeon_status stepper_create(const odeon_config *config, const char *path, int32_t dense,
                            stepper **out)
{
    *out = NULL;
    stepper *s = mem_zalloc(1, sizeof *s);
    if (s == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
    }
    odeon_status status = fill(s, config, path, dense);
    if (status != ODEON_OK) {
        stepper_destroy(s);
        return status;
    }
    *out = s;
    return ODEON_OK;
}

/* Also of one that was only begun. */
void stepper_destroy(stepper *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < s->n_programs; i++) {
        mem_free(s->programs[i]);
    }
    mem_free(s->programs);
    mem_free(s->start);
    mem_free(s->scratch);
    instance_destroy(s->instance);
    mem_free(s);
}
