/* Nothing is computed here: the slot that a step calls for each verb only notes it down. */
#include "solver/verb_record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "plugin/calling.h"
#include "plugin/tableau.h"

typedef struct recorder {
    const verb_method *method;
    int32_t what; /* RECORD_* */
    int64_t index;
    program *program;
    uint64_t scalars; /* bit i: work scalar i is written */
    bool written[PROGRAM_MAX_REGISTERS];
    /* The registers of the parts of a register; 0: not written. */
    int32_t part[PROGRAM_MAX_REGISTERS][ODEON_MAX_SPLIT];
} recorder;

static const char *const slot_names[] = {"start", "step", "inverse", "dense"};

/* ---- registers ---- */

int32_t verb_register(const odeon_stepper_info *info, int32_t what, int32_t handle)
{
    bool back = what == RECORD_INVERSE;
    int32_t in = REG_CARRY, out = REG_CARRY + info->n_carry, i = 0;
    switch (handle) {
    case ODEON_Y0:
        return back ? REG_Y1 : REG_Y0;
    case ODEON_Y1:
        return back ? REG_Y0 : REG_Y1;
    case ODEON_YX:
        return what == RECORD_DENSE ? REG_ERROR : -1;
    case ODEON_ERROR:
        return what == RECORD_DENSE ? -1 : REG_ERROR;
    default:
        break;
    }
    if (handle >= ODEON_WORK) {
        i = handle - ODEON_WORK;
        return i < info->n_work ? out + info->n_carry + i : -1;
    }
    bool is_out = handle >= ODEON_CARRY_OUT;
    i = handle - (is_out ? ODEON_CARRY_OUT : ODEON_CARRY_IN);
    return i >= 0 && i < info->n_carry ? i + (is_out == !back ? out : in) : -1;
}

/* One message for all rules of registers: it names them as the plugin's author knows them. */
static odeon_status broken(const recorder *r, int32_t handle, const char *why)
{
    char part[32] = "";
    if (handle >> 16 > 0) {
        (void)snprintf(part, sizeof part, "part %d of ", (handle >> 16) - 1);
    }
    return diag_fail(ODEON_ERR_PLUGIN, "integrator %s: %s uses %sregister %d wrongly: %s",
                     r->method->instance->component->id, slot_names[r->what], part,
                     handle < 0 ? (int)handle : (int)(handle & 0xffff), why);
}

/* Takes a handle apart: part -1 is the whole register. */
static odeon_status find(const recorder *r, int32_t handle, int32_t *reg, int32_t *part)
{
    *part = handle < 0 ? -1 : (handle >> 16) - 1;
    *reg = handle < 0 ? -1 : verb_register(r->method->info, r->what, handle & 0xffff);
    return *part < r->method->n_parts ? ODEON_OK
                                      : broken(r, handle, "the method names no such part");
}

/* A register that no method names; 0: there are too many. */
static int32_t own_register(recorder *r)
{
    program *p = r->program;
    return p->n_registers < PROGRAM_MAX_REGISTERS ? p->n_registers++ : 0;
}

static bool has_room(const program *p, int32_t n_terms)
{
    return p->n_verbs < PROGRAM_MAX_VERBS && p->n_terms + n_terms <= PROGRAM_MAX_TERMS;
}

static void push(recorder *r, const verb *v)
{
    r->program->verbs[r->program->n_verbs++] = *v;
    r->written[v->out] = true;
}

/* ---- parts ---- */

/* The parts of reg make up `into`. What is not written is filled from where the step starts, and
 * that only where it may be missing. */
static odeon_status join(recorder *r, int32_t handle, int32_t reg, int32_t into)
{
    program *p = r->program;
    verb v = {.kind = VERB_JOIN, .out = into, .first = p->n_terms, .n = r->method->n_parts};
    if (into == 0 || !has_room(p, v.n)) {
        return broken(r, handle, "too many parts are put together");
    }
    for (int32_t i = 0; i < v.n; i++) {
        int32_t from = r->part[reg][i];
        p->terms[p->n_terms++] =
            (program_term){.alpha = from != 0 ? 1.0 : 0.0, .x = from != 0 ? from : REG_Y0};
    }
    push(r, &v);
    return ODEON_OK;
}

static int32_t parts_written(const recorder *r, int32_t reg)
{
    int32_t n = 0;
    for (int32_t i = 0; i < r->method->n_parts; i++) {
        n += r->part[reg][i] != 0;
    }
    return n;
}

/* Has the register been written as a whole, or is it made so now of all its parts? */
static odeon_status make_whole(recorder *r, int32_t handle, int32_t reg)
{
    bool parts = !r->written[reg] && r->method->n_parts > 0;
    return parts && parts_written(r, reg) == r->method->n_parts ? join(r, handle, reg, reg)
                                                                : ODEON_OK;
}

/* A value exists only after its verb: nothing can be read that a later verb writes. The error
 * estimate is never stored. wanted: a part, or -1, all of it. */
static odeon_status readable(recorder *r, int32_t handle, int32_t wanted, int32_t *out)
{
    int32_t reg, part;
    ODEON_TRY(find(r, handle, &reg, &part));
    if (reg < 0 || reg == REG_ERROR) {
        return broken(r, handle, "it cannot be read");
    }
    if (part >= 0 && part != wanted) {
        return broken(r, handle, "another part, or a whole register, is read here");
    }
    if (!r->written[reg] && wanted >= 0 && r->part[reg][wanted] != 0) {
        *out = r->part[reg][wanted];
        return ODEON_OK;
    }
    ODEON_TRY(make_whole(r, handle, reg));
    *out = reg;
    return r->written[reg] ? ODEON_OK : broken(r, handle, "read before it is written");
}

/* What a step starts from is the host's and may be needed again, if the step is rejected. */
static bool is_read_only(const recorder *r, int32_t reg)
{
    bool carry_in = reg >= REG_CARRY && reg < REG_CARRY + r->method->info->n_carry;
    bool barred = (r->what == RECORD_START && (reg == REG_Y1 || reg == REG_ERROR)) ||
                  (r->what == RECORD_INVERSE && reg == REG_ERROR) ||
                  (r->what == RECORD_DENSE && reg != REG_ERROR);
    return reg <= REG_Y0 || carry_in || barred;
}

/* part: of the register that the verb writes, or -1; out: the program's register for it. */
static odeon_status writable(recorder *r, int32_t handle, int32_t *part, int32_t *out)
{
    int32_t reg;
    ODEON_TRY(find(r, handle, &reg, part));
    if (is_read_only(r, reg) || (*part >= 0 && reg == REG_ERROR)) {
        return broken(r, handle, "it cannot be written");
    }
    bool again = *part >= 0 ? r->part[reg][*part] != 0 : parts_written(r, reg) > 0;
    if (r->written[reg] || again) {
        return broken(r, handle, "written twice");
    }
    *out = *part >= 0 ? own_register(r) : reg;
    if (*part >= 0) {
        r->part[reg][*part] = *out;
    }
    return *out > 0 ? ODEON_OK : broken(r, handle, "too many parts are written");
}

static odeon_status whole(recorder *r, int32_t handle, int32_t *out)
{
    int32_t part;
    ODEON_TRY(writable(r, handle, &part, out));
    return part < 0 && *out != REG_ERROR ? ODEON_OK
                                         : broken(r, handle, "a whole register is written here");
}

/* ---- verbs ---- */

/* The state that part `wanted` of f is evaluated at may lack parts. */
static odeon_status evaluated_at(recorder *r, int32_t handle, int32_t wanted, verb *v)
{
    int32_t reg, part;
    ODEON_TRY(find(r, handle, &reg, &part));
    if (part >= 0) {
        return broken(r, handle, "a state is named as a whole");
    }
    bool partly = wanted >= 0 && reg >= 0 && reg != REG_ERROR && !r->written[reg] &&
                  parts_written(r, reg) > 0 && parts_written(r, reg) < r->method->n_parts;
    if (!partly) {
        return readable(r, handle, -1, &v->in);
    }
    v->part = 1 + wanted;
    v->in = own_register(r);
    return join(r, handle, reg, v->in);
}

static odeon_status count_eval(recorder *r, const odeon_verb *given, verb *v)
{
    program *p = r->program;
    if (p->n_evals == ODEON_MAX_EVALS || !has_room(p, 1) || !isfinite(given->c)) {
        return broken(r, given->out, "no more evaluations, or at no time");
    }
    v->c = given->c;
    v->eval = p->n_evals;
    p->c[p->n_evals++] = given->c;
    return ODEON_OK;
}

static odeon_status record_eval(recorder *r, const odeon_verb *given)
{
    verb v = {.kind = VERB_EVAL, .terms = given->terms};
    int32_t reg, part;
    ODEON_TRY(find(r, given->out, &reg, &part));
    ODEON_TRY(evaluated_at(r, given->x, part, &v));
    ODEON_TRY(writable(r, given->out, &part, &v.out));
    if (v.out == REG_ERROR) {
        return broken(r, given->out, "no evaluations into the error");
    }
    ODEON_TRY(count_eval(r, given, &v));
    push(r, &v);
    return ODEON_OK;
}

/* May a coefficient be made of it? In a start no size is known yet. */
static bool is_scalar(const recorder *r, int32_t scalar)
{
    int32_t i = scalar - ODEON_SCALAR_WORK;
    switch (scalar) {
    case ODEON_ONE:
        return true;
    case ODEON_H:
        return r->what != RECORD_START;
    case ODEON_X:
        return r->what == RECORD_DENSE;
    case ODEON_H_PREV:
        return r->what != RECORD_START && r->index > 0;
    default:
        return i >= 0 && i < ODEON_MAX_SCALARS && (r->scalars >> i & 1) != 0;
    }
}

/* What most coefficients are, a number or one times h, needs no scalar: a device may read h itself,
 * so that what it has recorded holds for any step. */
static program_term term_of(const odeon_addend *addend, int32_t x)
{
    program_term term = {.x = x};
    if (addend->scalar == ODEON_H) {
        term.beta = addend->factor;
        return term;
    }
    term.alpha = addend->factor;
    term.scalar = addend->scalar;
    return term;
}

/* Addends are checked one by one, since a plugin may have set anything. */
static odeon_status record_addends(recorder *r, const odeon_verb *given, int32_t part, verb *v)
{
    program *p = r->program;
    program_term terms[ODEON_MAX_ADDENDS];
    for (int32_t i = 0; i < given->n; i++) {
        const odeon_addend *addend = &given->addend[i];
        int32_t x;
        ODEON_TRY(readable(r, addend->x, part, &x));
        if (!isfinite(addend->factor) || !is_scalar(r, addend->scalar)) {
            return broken(r, addend->x,
                          "its coefficient is not finite, or of a scalar that is "
                          "not there");
        }
        terms[i] = term_of(addend, x);
    }
    if (!has_room(p, given->n)) { /* parts may have been put together on the way */
        return broken(r, given->out, "wrong number of addends");
    }
    v->first = p->n_terms;
    memcpy(p->terms + p->n_terms, terms, (size_t)given->n * sizeof *terms);
    p->n_terms += given->n;
    return ODEON_OK;
}

static odeon_status record_combine(recorder *r, const odeon_verb *given)
{
    verb v = {.kind = VERB_COMBINE, .n = given->n};
    int32_t reg, part;
    if (given->n < 1 || given->n > ODEON_MAX_ADDENDS || given->addend == NULL ||
        !has_room(r->program, given->n)) {
        return broken(r, given->out, "wrong number of addends");
    }
    ODEON_TRY(find(r, given->out, &reg, &part));
    ODEON_TRY(record_addends(r, given, part, &v));
    ODEON_TRY(writable(r, given->out, &part, &v.out));
    push(r, &v);
    return ODEON_OK;
}

static odeon_status record_scalar(recorder *r, const odeon_verb *given)
{
    program *p = r->program;
    char fault[SCALAR_FAULT_BYTES];
    int32_t i = given->out - ODEON_SCALAR_WORK;
    if (r->what == RECORD_START || i < 0 || i >= r->method->info->n_scalars ||
        (r->scalars >> i & 1) != 0) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "integrator %s: %s writes scalar %d, which cannot be, or twice",
                         r->method->instance->component->id, slot_names[r->what], (int)given->out);
    }
    scalar_names names = {.h = ODEON_H,
                          .h_prev = r->index > 0 ? ODEON_H_PREV : -1,
                          .x = r->what == RECORD_DENSE ? ODEON_X : -1,
                          .work = ODEON_SCALAR_WORK,
                          .written = r->scalars};
    program_scalar s = {.out = given->out, .first = p->n_ops};
    s.n = scalar_text_compile(given->text, &names, p->ops + p->n_ops, PROGRAM_MAX_OPS - p->n_ops,
                              fault);
    if (s.n == 0) {
        return diag_fail(ODEON_ERR_PLUGIN, "integrator %s: %s: scalar %d: %s",
                         r->method->instance->component->id, slot_names[r->what], (int)given->out,
                         fault);
    }
    p->n_ops += s.n;
    p->scalars[p->n_scalars++] = s;
    r->scalars |= (uint64_t)1 << i;
    return ODEON_OK;
}

/* y is needed in any case: it is what f is evaluated at. */
static odeon_status stage_state(recorder *r, const odeon_verb *given, verb *v)
{
    if (given->y != ODEON_NONE) {
        return whole(r, given->y, &v->state);
    }
    v->state = own_register(r);
    return v->state > 0 ? ODEON_OK : broken(r, given->out, "too many implicit stages");
}

/* The register that the search begins at, if there is one. */
static odeon_status record_hint(recorder *r, const odeon_verb *given, verb *v)
{
    program *p = r->program;
    int32_t x = 0;
    v->n = given->hint != ODEON_NONE;
    ODEON_TRY(v->n > 0 ? readable(r, given->hint, -1, &x) : ODEON_OK);
    v->first = p->n_terms;
    if (!has_room(p, v->n)) {
        return broken(r, given->out, "too many verbs");
    }
    if (v->n > 0) {
        p->terms[p->n_terms++] = (program_term){.alpha = 1.0, .x = x};
    }
    return ODEON_OK;
}

static odeon_status record_implicit(recorder *r, const odeon_verb *given)
{
    program *p = r->program;
    bool splits = (r->method->info->flags & ODEON_STEPPER_SPLIT) != 0;
    verb v = {.kind = VERB_IMPLICIT,
              .gamma = given->factor,
              .scalar = given->scalar,
              .terms = splits ? ODEON_TERMS_STIFF : ODEON_TERMS_ALL};
    if (r->what == RECORD_START || !is_scalar(r, given->scalar) || !isfinite(given->factor) ||
        given->factor == 0.0) {
        return broken(r, given->out, "no factor, or no scalar, to solve an equation with");
    }
    ODEON_TRY(readable(r, given->x, -1, &v.in));
    ODEON_TRY(record_hint(r, given, &v));
    ODEON_TRY(whole(r, given->out, &v.out));
    r->written[v.out] = true;
    ODEON_TRY(stage_state(r, given, &v));
    r->written[v.state] = true;
    ODEON_TRY(count_eval(r, given, &v));
    p->n_implicit++;
    push(r, &v);
    return ODEON_OK;
}

/* Only EVAL names terms, and only where the field is known to have both. */
static odeon_status check_terms(const recorder *r, const odeon_verb *given)
{
    bool splits = (r->method->info->flags & ODEON_STEPPER_SPLIT) != 0;
    bool names = splits && given->verb == ODEON_VERB_EVAL;
    int32_t most = names ? ODEON_TERMS_STIFF : ODEON_TERMS_ALL;
    return given->terms >= 0 && given->terms <= most && given->reserved0 == 0
               ? ODEON_OK
               : broken(r, given->out,
                        "it is of terms that the method does not declare to tell "
                        "apart, or that there are not");
}

/* odeon_step.verb, as the plugin calls it. */
static odeon_status record_verb(void *self, const odeon_verb *given)
{
    recorder *r = self;
    if (given->struct_size < sizeof *given) {
        return broken(r, given->out, "its verb has another struct_size than this host's");
    }
    ODEON_TRY(check_terms(r, given));
    switch (given->verb) {
    case ODEON_VERB_EVAL:
        return record_eval(r, given);
    case ODEON_VERB_COMBINE:
        return record_combine(r, given);
    case ODEON_VERB_SCALAR:
        return record_scalar(r, given);
    case ODEON_VERB_IMPLICIT:
        return record_implicit(r, given);
    default:
        return diag_fail(ODEON_ERR_UNSUPPORTED,
                         "integrator %s: this host cannot yet carry out verb %d",
                         r->method->instance->component->id, (int)given->verb);
    }
}

/* tableau_step.implicit. The tables that it comes from are proved; that registers are free is
 * checked as of any verb. */
static odeon_status record_stage(void *self, const tableau_stage *stage)
{
    recorder *r = self;
    program *p = r->program;
    verb v = {.kind = VERB_IMPLICIT,
              .c = stage->c,
              .gamma = stage->gamma,
              .scalar = ODEON_H,
              .eval = p->n_evals,
              .first = p->n_terms,
              .n = stage->n,
              .terms = stage->terms};
    ODEON_TRY(readable(r, stage->base, -1, &v.in));
    for (int32_t i = 0; i < stage->n; i++) {
        program_term *term = &p->terms[p->n_terms++];
        *term = (program_term){.alpha = stage->guess[i].factor};
        ODEON_TRY(readable(r, stage->guess[i].x, -1, &term->x));
    }
    ODEON_TRY(whole(r, stage->k, &v.out));
    r->written[v.out] = true;
    ODEON_TRY(whole(r, stage->y, &v.state));
    r->written[v.state] = true;
    p->c[p->n_evals++] = stage->c;
    p->n_implicit++;
    push(r, &v);
    return ODEON_OK;
}

/* tableau_step.estimate: beside the first, of which record_combine knows. */
static odeon_status record_estimate(void *self, int32_t number, int32_t n,
                                    const odeon_addend *terms)
{
    recorder *r = self;
    verb v = {.kind = VERB_COMBINE, .out = REG_ERROR, .n = n, .estimate = number};
    odeon_verb given = {.struct_size = sizeof given,
                        .verb = ODEON_VERB_COMBINE,
                        .out = ODEON_ERROR,
                        .n = n,
                        .addend = terms};
    ODEON_TRY(record_addends(r, &given, -1, &v));
    push(r, &v);
    return ODEON_OK;
}

/* ---- all of it ---- */

/* Has it been written, be it part by part? What is missing would be whatever a vector held before.
 */
static odeon_status require_written(recorder *r, int32_t handle)
{
    int32_t reg = verb_register(r->method->info, r->what, handle);
    ODEON_TRY(make_whole(r, handle, reg));
    return r->written[reg] ? ODEON_OK : broken(r, handle, "never written");
}

static odeon_status complete(recorder *r)
{
    const odeon_stepper_info *info = r->method->info;
    bool back = r->what == RECORD_INVERSE;
    if (r->what == RECORD_DENSE) {
        return require_written(r, ODEON_YX);
    }
    ODEON_TRY(r->what != RECORD_START ? require_written(r, back ? ODEON_Y0 : ODEON_Y1) : ODEON_OK);
    if (r->what == RECORD_STEP && info->embedded_order > 0) {
        ODEON_TRY(require_written(r, ODEON_ERROR));
    }
    for (int32_t i = 0; i < info->n_carry; i++) {
        ODEON_TRY(require_written(r, (back ? ODEON_CARRY_IN : ODEON_CARRY_OUT) + i));
    }
    return ODEON_OK;
}

static odeon_status call_method(recorder *r)
{
    const verb_method *m = r->method;
    tableau_step all = {.verbs = {.struct_size = sizeof all.verbs,
                                  .index = r->index,
                                  .self = r,
                                  .verb = record_verb},
                        .implicit = record_stage,
                        .estimate = record_estimate};
    odeon_status (*const slots[])(void *, const odeon_step *) = {m->ops->start, m->ops->step,
                                                                 m->ops->inverse, m->ops->dense};
    calling outer = calling_begin(m->instance, slot_names[r->what]);
    return calling_end(outer, slots[r->what](m->self, &all.verbs));
}

/* All of it is zeroed, padding included, since programs are compared byte by byte. */
odeon_status verb_record(const verb_method *method, int32_t what, int64_t index, program *out)
{
    const odeon_stepper_info *info = method->info;
    recorder r = {.method = method, .what = what, .index = index, .program = out};
    memset(out, 0, sizeof *out);
    out->n_registers = REG_CARRY + 2 * info->n_carry + info->n_work;
    r.written[REG_Y0] = true;
    r.written[REG_Y1] = what == RECORD_DENSE;
    for (int32_t i = 0; i < info->n_carry && what != RECORD_START; i++) {
        r.written[REG_CARRY + i] = true;
        r.written[REG_CARRY + info->n_carry + i] = what == RECORD_DENSE;
    }
    ODEON_TRY(call_method(&r));
    ODEON_TRY(complete(&r));
    program_finish(out, info->n_carry, what == RECORD_STEP ? method->n_kept : 0, method->kept);
    return ODEON_OK;
}
