/* A stepper keeps the programs of its method: a step is recorded once for each index at which it
 * may be another one, and equal programs are one. */
#include "solver/stepper.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_solver.h"
#include "plugin/calling.h"
#include "plugin/tableau.h"
#include "plugin/tableau_pair.h"
#include "plugin/words.h"
#include "solver/control_hints.h"
#include "solver/verb_record.h"

int32_t reg_carry_in(const stepper *s, int32_t i)
{
    (void)s;
    return REG_CARRY + i;
}

int32_t reg_carry_out(const stepper *s, int32_t i)
{
    return REG_CARRY + s->info.n_carry + i;
}

bool stepper_splits(const stepper *s)
{
    return s->tableau != NULL ? s->tableau->a_im != NULL
                              : (s->info.flags & ODEON_STEPPER_SPLIT) != 0;
}

/* ---- recording ---- */

/* With dense output slopes are read once more behind the step. */
static odeon_status record(stepper *s, int32_t what, int64_t index, program *out)
{
    int32_t slopes[2 * ODEON_TABLEAU_MAX_STAGES];
    verb_method method = {.instance = s->instance,
                          .ops = s->ops,
                          .self = s->self,
                          .info = &s->info,
                          .n_parts = s->n_parts,
                          .kept = slopes};
    bool slopes_stay = s->dense && s->tableau != NULL;
    method.n_kept = slopes_stay ? tableau_slopes(s->tableau) : 0;
    for (int32_t i = 0; i < method.n_kept; i++) {
        slopes[i] = verb_register(&s->info, RECORD_STEP, tableau_slope(s->tableau, i));
    }
    return verb_record(&method, what, index, out);
}

/* Verbs may depend on a method's options and on index alone. What it remembers beside its
 * carry, a second call shows: a retry of a step and its reverse would then be other steps. */
static odeon_status record_twice(stepper *s, int32_t what, int64_t index)
{
    ODEON_TRY(record(s, what, index, s->scratch));
    if (s->tableau != NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(record(s, what, index, s->again));
    return memcmp(s->scratch, s->again, sizeof *s->scratch) == 0
               ? ODEON_OK
               : diag_fail(ODEON_ERR_PLUGIN,
                           "integrator %s: step %lld is another one when it is asked for again: a "
                           "method keeps nothing from step to step but carry",
                           s->instance->component->id, (long long)index);
}

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "integrator: no memory");
}

/* A copy of the whole structure, padding included: programs are compared byte by byte. */
static odeon_status keep_scratch(stepper *s, program **out)
{
    program *copy = mem_zalloc(1, sizeof *copy);
    if (copy == NULL) {
        return no_memory();
    }
    memcpy(copy, s->scratch, sizeof *copy); /* what lies between its members as well */
    *out = copy;
    s->n_registers = copy->n_registers > s->n_registers ? copy->n_registers : s->n_registers;
    s->implicit = s->implicit || copy->n_implicit > 0;
    s->needs_host = s->needs_host || copy->n_implicit > 0 || copy->n_scalars > 0 ||
                    copy->n_joins > 0 || s->n_parts > 0 || stepper_splits(s);
    return ODEON_OK;
}

/* Equal answers are one program, so that a multistep method ends up with a few. The newest are
 * compared first: the next step is most often like the one before. */
static odeon_status keep_new(stepper *s, const program **out)
{
    for (size_t i = s->n_programs; i-- > 0;) {
        if (memcmp(s->programs[i], s->scratch, sizeof *s->scratch) == 0) {
            *out = s->programs[i];
            return ODEON_OK;
        }
    }
    program **list = mem_grow(s->programs, s->n_programs, sizeof(program *));
    if (list == NULL) {
        return no_memory();
    }
    s->programs = list;
    ODEON_TRY(keep_scratch(s, &list[s->n_programs]));
    *out = list[s->n_programs++];
    return ODEON_OK;
}

/* Behind its start-up a method is not recorded any more. One whose verbs never settle is recorded
 * at every index. */
odeon_status stepper_program(stepper *s, int64_t index, const program **out)
{
    int64_t last = s->info.n_startup;
    *out = NULL;
    if (last < 0) {
        ODEON_TRY(record_twice(s, RECORD_STEP, index));
        return keep_new(s, out);
    }
    index = index < last ? index : last;
    if (s->settled[index] == NULL) {
        ODEON_TRY(record_twice(s, RECORD_STEP, index));
        ODEON_TRY(keep_new(s, &s->settled[index]));
    }
    *out = s->settled[index];
    return ODEON_OK;
}

odeon_status stepper_inverse(stepper *s, const program **out)
{
    *out = NULL;
    if (s->inverse == NULL && s->tableau == NULL && ODEON_HAS(s->ops, odeon_stepper_ops, inverse)) {
        ODEON_TRY(record_twice(s, RECORD_INVERSE, 0));
        ODEON_TRY(keep_scratch(s, &s->inverse));
    }
    *out = s->inverse;
    return s->inverse != NULL ? ODEON_OK
                              : diag_fail(ODEON_ERR_UNSUPPORTED, "integrator %s has no inverse",
                                          s->instance->component->id);
}

int64_t stepper_slice_vectors(const stepper *s)
{
    int64_t most = 0;
    for (size_t i = 0; i < s->n_programs && !s->needs_host; i++) {
        most = s->programs[i]->max_live > most ? s->programs[i]->max_live : most;
    }
    return most;
}

void stepper_limit_growth(const stepper *s, odeon_control *control)
{
    double most = s->info.ratio_max;
    if (most > 0.0) {
        control->factor_max = fmin(control->factor_max, most);
        control->factor_max_first = fmin(control->factor_max_first, most);
        control->factor_max_reject = fmin(control->factor_max_reject, most);
    }
}

/* ---- dense output ---- */

/* Weights are polynomials in x without a constant term, by Horner's rule: at x = 0 the value is y0.
 */
static int32_t tableau_dense(const stepper *s, double x, int32_t *registers, double *weights)
{
    const odeon_tableau *t = s->tableau;
    int32_t n = tableau_slopes(t);
    for (int32_t i = 0; i < n; i++) {
        const double *row = tableau_interp(t, i);
        registers[i] = verb_register(&s->info, RECORD_STEP, tableau_slope(t, i));
        weights[i] = 0.0;
        for (int32_t j = t->interp_degree; j-- > 0;) {
            weights[i] = (weights[i] + row[j]) * x;
        }
    }
    return n;
}

/* In the program y0 counts as any other value; here it counts once already. */
static int32_t program_dense(const program *p, double h, double x, int32_t *registers,
                             double *weights)
{
    double scalar[PROGRAM_SCALARS] = {[ODEON_ONE] = 1.0, [ODEON_H] = h, [ODEON_X] = x};
    for (int32_t i = 0; i < p->n_scalars; i++) {
        const program_scalar *one = &p->scalars[i];
        scalar[one->out] = scalar_text_run(p->ops + one->first, one->n, scalar);
    }
    for (int32_t i = 0; i < p->n_terms; i++) {
        const program_term *term = &p->terms[i];
        double factor = term->alpha * scalar[term->scalar] + term->beta * h;
        registers[i] = term->x;
        weights[i] = (factor - (term->x == REG_Y0 ? 1.0 : 0.0)) / h;
    }
    return p->n_terms;
}

int32_t stepper_dense(const stepper *s, double h, double x, int32_t *registers, double *weights)
{
    return s->output == NULL ? tableau_dense(s, x, registers, weights)
                             : program_dense(s->output, h, x, registers, weights);
}

/* Y0 stands once among the addends, or what counts once already would count for each. */
static odeon_status record_output(stepper *s)
{
    ODEON_TRY(record_twice(s, RECORD_DENSE, 0));
    const program *p = s->scratch;
    bool single = p->n_verbs == 1 && p->verbs[0].kind == VERB_COMBINE && p->terms[0].x == REG_Y0;
    for (int32_t i = 1; i < p->n_terms; i++) {
        single = single && p->terms[i].x != REG_Y0;
    }
    if (!single) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "integrator %s: dense must say YX as one combination, in which Y0 stands "
                         "first and once",
                         s->instance->component->id);
    }
    ODEON_TRY(keep_scratch(s, &s->output));
    s->needs_host = true;
    return ODEON_OK;
}

/* ---- what it is made of ---- */

static int32_t count_parts(const odeon_stepper_info *info)
{
    int32_t n = 0;
    while (info->parts != NULL && n <= ODEON_MAX_SPLIT && info->parts[n] != NULL) {
        n++;
    }
    return n;
}

/* A device repeats one recording, and an inverse is one program. */
static bool numbers_fit(const stepper *s)
{
    const odeon_stepper_info *info = &s->info;
    bool parts =
        info->parts == NULL ? s->n_parts == 0 : s->n_parts >= 2 && s->n_parts <= ODEON_MAX_SPLIT;
    bool inverse = s->tableau == NULL && ODEON_HAS(s->ops, odeon_stepper_ops, inverse);
    return info->order >= 1 && info->embedded_order >= 0 && info->n_carry >= 0 &&
           info->n_carry <= ODEON_MAX_CARRY && info->n_work >= 0 &&
           info->n_work <= ODEON_MAX_WORK && info->n_scalars >= 0 &&
           info->n_scalars <= ODEON_MAX_SCALARS && info->n_startup >= -1 &&
           info->n_startup <= ODEON_MAX_STARTUP &&
           (info->ratio_max == 0.0 || info->ratio_max > 1.0) && parts &&
           (!inverse || info->n_startup == 0);
}

/* What a plugin says of itself is checked before anything is sized by it. */
static odeon_status describe(stepper *s, const char *path)
{
    s->info = (odeon_stepper_info){.struct_size = sizeof s->info};
    calling outer = calling_begin(s->instance, "describe");
    ODEON_TRY(calling_end(outer, s->ops->describe(s->self, &s->info)));
    ODEON_TRY(words_check(s->instance, "describe", &s->info, words_of_stepper_info));
    s->n_parts = count_parts(&s->info);
    return numbers_fit(s) ? ODEON_OK
                          : diag_fail(ODEON_ERR_PLUGIN,
                                      "%s: describes itself with numbers out of range", path);
}

/* Dense output needs slopes that a step does without. */
static const odeon_stepper_ops *tableau_ops(const stepper *s)
{
    if (stepper_splits(s)) {
        return s->dense ? &tableau_dense_pair_ops : &tableau_pair_ops;
    }
    return s->dense ? &tableau_dense_stepper_ops : &tableau_stepper_ops;
}

/* Which interface the component has. The slots of a tableau follow once dense is known. */
static odeon_status choose_interface(stepper *s, const char *path)
{
    const odeon_component *component = s->instance->component;
    if (component->interface == ODEON_INTERFACE_STEPPER) {
        s->ops = component->ops;
        s->self = s->instance->self;
        return ODEON_OK;
    }
    s->tableau = component->ops;
    ODEON_TRY(control_hints_check(s->tableau, path));
    const char *beyond = tableau_beyond_host(s->tableau);
    if (beyond != NULL) {
        return diag_fail(ODEON_ERR_UNSUPPORTED,
                         "%s: integrator %s: this host cannot yet carry out %s", path,
                         component->id, beyond);
    }
    s->implicit = stepper_splits(s); /* of others: by their programs */
    memcpy(&s->self, &component->ops, sizeof s->self);
    return ODEON_OK;
}

/* Verbs must settle at the index that the method gives; a few steps behind it are looked at. */
static odeon_status check_settled(stepper *s, const char *path)
{
    enum { AHEAD = 3 };
    for (int64_t i = 1; i <= AHEAD && s->tableau == NULL && s->info.n_startup >= 0; i++) {
        int64_t index = s->info.n_startup + i;
        ODEON_TRY(record(s, RECORD_STEP, index, s->scratch));
        if (memcmp(s->scratch, s->settled[s->info.n_startup], sizeof *s->scratch) != 0) {
            return diag_fail(ODEON_ERR_PLUGIN,
                             "%s: integrator %s says that its steps are alike from index %d on, "
                             "but step %lld differs",
                             path, s->instance->component->id, (int)s->info.n_startup,
                             (long long)index);
        }
    }
    return ODEON_OK;
}

/* The first few indices are where multistep methods differ from step to step; seen now, they are
 * checked before any data is, and reserve what the later ones need. */
static odeon_status record_first(stepper *s, const char *path)
{
    const program *seen;
    int64_t last = s->info.n_startup < 0 ? ODEON_MAX_CARRY : s->info.n_startup;
    if (s->info.n_carry > 0 && ODEON_HAS(s->ops, odeon_stepper_ops, start)) {
        ODEON_TRY(record_twice(s, RECORD_START, 0));
        ODEON_TRY(keep_scratch(s, &s->start));
    }
    for (int64_t index = 0; index <= last; index++) {
        ODEON_TRY(stepper_program(s, index, &seen));
    }
    ODEON_TRY(s->dense && s->tableau == NULL ? record_output(s) : ODEON_OK);
    return check_settled(s, path);
}

static bool offers_dense(const stepper *s)
{
    return s->tableau != NULL ? s->tableau->interp_degree > 0
                              : ODEON_HAS(s->ops, odeon_stepper_ops, dense);
}

/* The order is that of what depends on what: the interface before the description, that before any
 * program. */
static odeon_status fill(stepper *s, const odeon_config *config, const char *path, int32_t dense)
{
    ODEON_TRY(instance_create(config, path, &s->instance));
    ODEON_TRY(choose_interface(s, path));
    s->dense = dense != DENSE_UNUSED && offers_dense(s);
    if (dense == DENSE_REQUIRED && !s->dense) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: integrator %s has no dense output to read the end from: give end = "
                         "clip, or another integrator",
                         path, s->instance->component->id);
    }
    s->ops = s->tableau != NULL ? tableau_ops(s) : s->ops;
    ODEON_TRY(describe(s, path));
    s->scratch = mem_zalloc(1, sizeof *s->scratch);
    s->again = mem_zalloc(1, sizeof *s->again);
    if (s->scratch == NULL || s->again == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
    }
    return record_first(s, path);
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
    mem_free(s->inverse);
    mem_free(s->output);
    mem_free(s->scratch);
    mem_free(s->again);
    instance_destroy(s->instance);
    mem_free(s);
}
