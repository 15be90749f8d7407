#include "config/curves.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "option/expression.h"
#include "option/schema_print.h"
#include "plugin/component.h"

enum { PREFIX_LOSS = 5, PREFIX_OPTIMIZER = 10, PREFIX_MODEL = 6 };

/* The colon of "KEY: SCHEDULE"; NULL where it is "KEY=VALUE", whose value may have one. */
static char *find_colon(char *item)
{
    char *end = item + strcspn(item, ":=");
    return *end == ':' ? end : NULL;
}

static bool has_root(const char *key)
{
    return strncmp(key, "loss.", PREFIX_LOSS) == 0 ||
           strncmp(key, "optimizer.", PREFIX_OPTIMIZER) == 0 ||
           strncmp(key, "model.", PREFIX_MODEL) == 0;
}

static odeon_status check(const config *c, const char *key, const char *section, size_t phase,
                          location where)
{
    if (c->n_curves == CONFIG_MAX_CURVES) {
        return location_fail(where, section, "set: a run has at most %d keys with schedules",
                             CONFIG_MAX_CURVES);
    }
    if (!has_root(key)) {
        return location_fail(
            where, section,
            "set = %.100s: SCHEDULE: keys that follow a schedule are loss.ID.KEY, optimizer.KEY "
            "and "
            "model.PATH.KEY; another one changes in steps: [train.NAME] with after = N steps and "
            "set = KEY=VALUE",
            key);
    }
    for (size_t i = 0; i < c->n_curves; i++) {
        if (c->curves[i].phase == phase && strcmp(c->curves[i].key, key) == 0) {
            return location_fail(where, section, "set: %.100s has two schedules", key);
        }
    }
    return ODEON_OK;
}

/* item is cut at its colon. */
static odeon_status take(loading *l, char *item, const char *section, size_t phase, location where)
{
    config *c = l->c;
    char *colon = find_colon(item), *key = item, *end = colon;
    while (end > item && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    *end = '\0';
    const char *text = colon + 1 + strspn(colon + 1, " \t");
    ODEON_TRY(check(c, key, section, phase, where));
    config_curve *list = mem_grow(c->curves, c->n_curves, sizeof *list);
    if (list == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "out of memory for [%s]", section);
    }
    c->curves = list;
    config_curve curve = {.phase = phase, .where = where};
    ODEON_TRY(component_read(l->r, ODEON_KIND_SCHEDULE, text, where, section, NULL, 0, NULL,
                             &curve.schedule));
    curve.key = mem_strdup(key);
    list[c->n_curves++] = curve;
    return curve.key != NULL ? ODEON_OK
                             : diag_fail(ODEON_ERR_NOMEM, "out of memory for [%s]", section);
}

/* First what changes with the phase, then what follows a schedule in it. */
static odeon_status set_normal_form(const config *c, size_t first, size_t n_left, char *const *left,
                                    option_value *set)
{
    text_buffer text = {0};
    odeon_status status = ODEON_OK;
    for (size_t i = 0; i < n_left; i++) {
        text_printf(&text, "%s%s", i > 0 ? ", " : "", left[i]);
    }
    for (size_t i = first; i < c->n_curves && status == ODEON_OK; i++) {
        text_printf(&text, "%s%s: ", text.length > 0 ? ", " : "", c->curves[i].key);
        status = schema_print(&text, c->curves[i].schedule);
    }
    if (status == ODEON_OK && text.failed) {
        status = diag_fail(ODEON_ERR_NOMEM, "out of memory for the configuration");
    }
    if (status != ODEON_OK) {
        text_fini(&text);
        return status;
    }
    mem_free(set->text);
    set->text = text.data;
    return ODEON_OK;
}

odeon_status curves_read(loading *l, option_value *set, const char *section, size_t phase,
                         size_t *n_left, char ***left)
{
    size_t first = l->c->n_curves, kept = 0;
    *n_left = 0;
    *left = NULL;
    if (!set->set) {
        return ODEON_OK;
    }
    ODEON_TRY(schema_split(set->text, set->where, n_left, left));
    for (size_t i = 0; i < *n_left; i++) {
        char *item = (*left)[i];
        bool follows = find_colon(item) != NULL;
        ODEON_TRY(follows ? take(l, item, section, phase, set->where) : ODEON_OK);
        (*left)[i] = NULL;
        if (follows) {
            mem_free(item);
        } else {
            (*left)[kept++] = item;
        }
    }
    *n_left = kept;
    return l->c->n_curves > first ? set_normal_form(l->c, first, kept, *left, set) : ODEON_OK;
}
