#include "config/phases.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "config/curves.h"
#include "config/evaluation.h"
#include "config/section.h"
#include "option/expression.h"

enum { PREFIX = 6 }; /* bytes of "train." */

static bool is_phase(const document_section *section)
{
    return strncmp(section->name, "train.", PREFIX) == 0;
}

bool phases_given(const document *d)
{
    bool found = false;
    for (size_t i = 0; i < d->n_sections; i++) {
        found |= is_phase(&d->sections[i]);
    }
    return found;
}

/* Of two phases that begin by the same unit the later must begin later; steps and epochs are
 * compared where the samples are counted. */
static odeon_status check_order(const config *c, const config_phase *now)
{
    const config_phase *before = c->n_phases > 0 ? &c->phases[c->n_phases - 1] : NULL;
    if (before == NULL || before->after.unit != now->after.unit ||
        before->after.every < now->after.every) {
        return ODEON_OK;
    }
    return location_fail(
        now->where, NULL,
        "[train.%s] begins no later than [train.%s], which stands above it: phases "
        "stand in the order of the run",
        now->name, before->name);
}

/* What the run itself is, and how it learns, holds for all of it. */
static bool may_change(const char *override)
{
    return strncmp(override, "data.", 5) == 0 || strncmp(override, "model.", 6) == 0;
}

/* A stage begins with a step that does not depend on how many steps an epoch has. */
static odeon_status read_set(loading *l, const document_section *source, option_value *set,
                             config_phase *phase)
{
    if (!set->set) {
        return ODEON_OK;
    }
    phase->set_where = set->where;
    ODEON_TRY(curves_read(l, set, source->name, l->c->n_phases + 1, &phase->n_set, &phase->set));
    for (size_t i = 0; i < phase->n_set; i++) {
        if (!may_change(phase->set[i]) || strchr(phase->set[i], '=') == NULL) {
            return location_fail(set->where, source->name,
                                 "set = %.100s: give keys of [data], [data.NAME] and [model.NAME] "
                                 "with their values, such as data.window=21",
                                 phase->set[i]);
        }
    }
    return phase->n_set == 0 || phase->after.unit == CONFIG_STEPS
               ? ODEON_OK
               : location_fail(set->where, source->name,
                               "set: keys change after a number of steps, such as after = 600 "
                               "steps: an epoch may have other steps with them");
}

size_t config_stage_after(const config *c, int64_t step)
{
    size_t stage = 0;
    for (size_t i = 0; i < c->n_phases; i++) {
        const config_phase *phase = &c->phases[i];
        stage = phase->n_set > 0 && phase->after.every <= step ? i + 1 : stage;
    }
    return stage;
}

static odeon_status take(loading *l, const document_section *source, host_section *h)
{
    config *c = l->c;
    config_phase phase = {.name = source->name + PREFIX, .where = source->where};
    config_phase *list = mem_grow(c->phases, c->n_phases, sizeof *list);
    if (list == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "out of memory for [%s]", source->name);
    }
    c->phases = list;
    ODEON_TRY(evaluation_read_count(source->name, "after", host_value(h, "after"), &phase.after));
    ODEON_TRY(check_order(c, &phase));
    odeon_status status = read_set(l, source, host_value(h, "set"), &phase);
    if (status == ODEON_OK) {
        status = host_section_print(&l->effective, h);
    }
    if (status != ODEON_OK) {
        schema_split_free(phase.n_set, phase.set);
        return status;
    }
    phase.optimizer = host_take(h, "optimizer");
    phase.schedule = host_take(h, "schedule");
    list[c->n_phases++] = phase;
    return ODEON_OK;
}

static odeon_status read_phase(loading *l, const document_section *source)
{
    host_section h;
    if (l->c->n_phases == CONFIG_MAX_PHASES) {
        return location_fail(source->where, source->name, "a run has at most %d phases",
                             CONFIG_MAX_PHASES);
    }
    odeon_status status = host_section_read(l, source, "train.NAME", "optimizer", &h);
    if (status == ODEON_OK) {
        status = take(l, source, &h);
    }
    host_section_fini(&h);
    return status;
}

odeon_status phases_read(loading *l)
{
    for (size_t i = 0; i < l->document->n_sections; i++) {
        const document_section *source = &l->document->sections[i];
        ODEON_TRY(is_phase(source) ? read_phase(l, source) : ODEON_OK);
    }
    return ODEON_OK;
}
