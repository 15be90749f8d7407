/* A key is written where the component reads it, the field of its instance, so that a step that
 * follows a schedule costs a few stores and allocates nothing. Which options allow that a component
 * says itself: others may have made shapes, memory or lists of theirs in init. */
#include "session/curves.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_ext.h"
#include "odeon/loss.h"
#include "odeon/optimizer.h"
#include "option/schema_parse.h"
#include "option/schema_print.h"
#include "plugin/calling.h"
#include "session/members.h"

enum { LOSS = 5, OPTIMIZER = 10, MODEL = 6 }; /* bytes of "loss.", "optimizer.", "model." */

/* Of one worker: whose option a key is. */
typedef struct owner {
    const instance *instance, *kernel; /* kernel NULL: none */
    const char *scheduled;             /* NULL: nothing may */
} owner;

static odeon_status refuse(const config_curve *c, const char *what)
{
    return location_fail(c->where, NULL, "set: %.100s: %s", c->key, what);
}

/* ---- from a key to its owner ---- */

/* name is the id between "loss." and the key. */
static void find_loss(const worker *w, const char *name, size_t bytes, owner *out)
{
    for (size_t i = 0; i < w->n_losses; i++) {
        const odeon_component *c = w->losses[i]->component;
        const odeon_loss_ops *ops = c->ops;
        if (strlen(c->id) == bytes && strncmp(c->id, name, bytes) == 0) {
            bool says = ODEON_HAS(ops, odeon_loss_ops, scheduled);
            *out = (owner){.instance = w->losses[i], .scheduled = says ? ops->scheduled : NULL};
        }
    }
}

static void find_optimizer(const worker *w, size_t phase, owner *out)
{
    const instance *x = w->optimizers[phase];
    const odeon_optimizer_ops *ops = x->component->ops;
    bool says = ODEON_HAS(ops, odeon_optimizer_ops, scheduled);
    *out = (owner){.instance = x, .scheduled = says ? ops->scheduled : NULL};
}

static const net_layer *find_layer(const worker *w, const char *path, size_t bytes)
{
    for (size_t i = 0; i < w->site.n_layers; i++) {
        const net_layer *layer = w->site.layers[i];
        if (strlen(layer->path) == bytes && strncmp(layer->path, path, bytes) == 0) {
            return layer;
        }
    }
    return NULL;
}

/* What a solve does is recorded with the numbers that it had. */
static bool is_recorded(const worker *w, const net_layer *layer)
{
    const odeon_device *device = w->model->device;
    bool in_field = layer->ops->bodies == ODEON_BODIES_FIELD;
    for (const net_layer *x = layer->container; x != NULL && !in_field; x = x->container) {
        in_field = x->ops->bodies == ODEON_BODIES_FIELD;
    }
    return in_field && w->site.lane.capture &&
           device->get_table(device, ODEON_DEVICE_CAPTURE) != NULL;
}

static odeon_status find_owner_layer(const worker *w, const config_curve *c, const char *path,
                                     size_t bytes, owner *out)
{
    const net_layer *layer = find_layer(w, path, bytes);
    if (layer == NULL) {
        return refuse(c, "the model has no layer of that path: odeon check shows them");
    }
    if (is_recorded(w, layer)) {
        return refuse(c, "this device records the solves of ODE blocks with the "
                         "value that it has: set run.capture = no");
    }
    const instance *own = layer->original != NULL ? layer->original : layer->instance;
    const odeon_layer_ops *ops = own->component->ops;
    bool says = ODEON_HAS(ops, odeon_layer_ops, scheduled);
    *out = (owner){.instance = own,
                   .kernel = layer->original != NULL ? layer->instance : NULL,
                   .scheduled = says ? ops->scheduled : NULL};
    return ODEON_OK;
}

/* name: the option's, behind the last dot. */
static odeon_status find_owner(const worker *w, const config_curve *c, const char *name, owner *out)
{
    size_t bytes = (size_t)(name - c->key) - 1; /* without the dot */
    *out = (owner){.instance = NULL};
    if (strncmp(c->key, "model.", MODEL) == 0) {
        return bytes > MODEL ? find_owner_layer(w, c, c->key + MODEL, bytes - MODEL, out)
                             : refuse(c, "give the path of a layer: model.PATH.KEY");
    }
    if (strncmp(c->key, "optimizer.", OPTIMIZER) == 0) {
        find_optimizer(w, c->phase, out);
        return ODEON_OK;
    }
    if (bytes > LOSS) {
        find_loss(w, c->key + LOSS, bytes - LOSS, out);
    }
    return out->instance != NULL ? ODEON_OK
                                 : refuse(c, "train.loss has no loss of that id: loss.ID.KEY");
}

/* ---- may it? ---- */

/* Is name among "a|b|c"? */
static bool is_among(const char *name, const char *list)
{
    size_t n = strlen(name);
    for (const char *at = list; at != NULL; at = strchr(at, '|')) {
        at += *at == '|';
        if (strncmp(at, name, n) == 0 && (at[n] == '|' || at[n] == '\0')) {
            return true;
        }
    }
    return false;
}

static odeon_status check_option(const config_curve *c, const owner *o, const char *name,
                                 const odeon_option *option)
{
    const char *id = o->instance->component->id;
    if (option == NULL) {
        return location_fail(c->where, NULL, "set: %.100s: %s has no option '%.60s'", c->key, id,
                             name);
    }
    if (option->type == ODEON_OPTION_F64 && is_among(name, o->scheduled)) {
        return ODEON_OK;
    }
    return location_fail(c->where, NULL,
                         "set: %.100s: of %s %s may follow a schedule; others need the model built "
                         "anew, which [train.NAME] set = KEY=VALUE does at a step",
                         c->key, id, o->scheduled != NULL ? o->scheduled : "no option");
}

static odeon_status check_base(const config_curve *c, const option_value *value)
{
    return value->set && value->f != 0.0
               ? ODEON_OK
               : refuse(c, "its own value is 0 or not given, and the schedule multiplies it: give "
                           "the value that the factor 1 stands for");
}

/* ---- open ---- */

static double *field_of(const instance *x, const odeon_option *option)
{
    return (double *)(void *)((char *)x->self + option->offset);
}

static odeon_status open_on(const worker *w, const config_curve *c, curve *out)
{
    const char *name = strrchr(c->key, '.') + 1; /* the key begins with a root and a dot */
    owner o;
    ODEON_TRY(find_owner(w, c, name, &o));
    const odeon_option *option = schema_option(o.instance->config, name);
    ODEON_TRY(check_option(c, &o, name, option));
    const option_value *value = schema_value(o.instance->config, name);
    ODEON_TRY(check_base(c, value));
    out->option = option;
    out->base = value->f;
    out->fields[out->n_fields++] = field_of(o.instance, option);
    if (o.kernel != NULL) {
        out->fields[out->n_fields++] = field_of(o.kernel, option);
    }
    return ODEON_OK;
}

/* Of shapes alone there is the first worker only. */
static odeon_status open_one(const session *s, const config_curve *c, curve *out)
{
    out->key = c->key;
    out->factor = 1.0;
    out->fields = mem_zalloc(2 * (size_t)s->n_workers, sizeof *out->fields);
    if (out->fields == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", c->key);
    }
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        ODEON_TRY(open_on(&s->workers[rank], c, out));
    }
    return instance_create(c->schedule, c->key, &out->schedule);
}

odeon_status session_curves_open(session *s)
{
    const config *c = s->model.config;
    if (s->curves != NULL || c->n_curves == 0) {
        return ODEON_OK;
    }
    s->curves = mem_zalloc(c->n_curves, sizeof *s->curves);
    if (s->curves == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "train.set: no memory");
    }
    for (size_t i = 0; i < c->n_curves; i++) {
        odeon_status status = open_one(s, &c->curves[i], &s->curves[i]);
        if (status != ODEON_OK) {
            curves_free(s);
            return status;
        }
    }
    return ODEON_OK;
}

void curves_free(session *s)
{
    for (size_t i = 0; s->curves != NULL && i < s->model.config->n_curves; i++) {
        mem_free(s->curves[i].fields);
        instance_destroy(s->curves[i].schedule);
    }
    mem_free(s->curves);
    s->curves = NULL;
}

const curve *session_curves(const session *s)
{
    return s->curves;
}

/* ---- values ---- */

static void write_value(const curve *x, double factor)
{
    for (size_t i = 0; i < x->n_fields; i++) {
        *x->fields[i] = x->base * factor;
    }
}

/* Written so that what is no number fails. The factor stays, for the step's row, when the key has
 * its own value again. */
static odeon_status set_value(const config_curve *c, const curve *x)
{
    char allowed[SCHEMA_DESCRIBE_BYTES];
    double value = x->base * x->factor;
    if (isfinite(x->factor) && x->factor >= 0.0 && schema_within(x->option, value)) {
        write_value(x, x->factor);
        return ODEON_OK;
    }
    schema_allowed(allowed, sizeof allowed, x->option);
    return location_fail(c->where, NULL,
                         "set: %.100s: the schedule makes %g of its value %g; allowed: %s", c->key,
                         value, x->base, allowed);
}

static double factor_of(const curve *x, const odeon_position *position)
{
    const odeon_schedule_ops *ops = x->schedule->component->ops;
    calling outer = calling_begin(x->schedule, "factor");
    double factor = ops->factor(x->schedule->self, position);
    calling_leave(outer);
    return factor;
}

/* A key may have a schedule in several phases: those that are not under way, of factor 1, leave it
 * to the one that is. */
odeon_status session_curves_set_factors(session *s, const double *factors)
{
    const config *c = s->model.config;
    ODEON_TRY(session_curves_open(s));
    session_curves_rest(s);
    for (size_t i = 0; i < c->n_curves; i++) {
        s->curves[i].factor = factors[i];
        ODEON_TRY(factors[i] != 1.0 ? set_value(&c->curves[i], &s->curves[i]) : ODEON_OK);
    }
    return ODEON_OK;
}

odeon_status session_curves_set(session *s, const odeon_position *position)
{
    const config *c = s->model.config;
    double factors[CONFIG_MAX_CURVES];
    ODEON_TRY(session_curves_open(s));
    for (size_t i = 0; i < c->n_curves; i++) {
        s->curves[i].under_way = c->curves[i].phase == s->model.phase;
        factors[i] = s->curves[i].under_way ? factor_of(&s->curves[i], position) : 1.0;
    }
    return session_curves_set_factors(s, factors);
}

void session_curves_rest(session *s)
{
    for (size_t i = 0; s->curves != NULL && i < s->model.config->n_curves; i++) {
        write_value(&s->curves[i], 1.0);
    }
}
