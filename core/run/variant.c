#include "run/variant.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "config/config_load.h"
#include "device/over.h"
#include "odeon/layer.h"
#include "session/describe.h"
#include "session/parameters.h"
#include "session/run_batch.h"
#include "session/session.h"

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "variants of a model: no memory");
}

/* ---- keys ---- */

enum { KEY_BYTES = 4096 };

void variant_add(variant_keys *keys, const char *format, ...)
{
    char text[KEY_BYTES];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    char **more = mem_reserve(keys->list, &keys->room, keys->n + 1, 8, sizeof *more);
    if (n < 0 || n >= KEY_BYTES || more == NULL) {
        keys->failed = true;
        keys->list = more != NULL ? more : keys->list;
        return;
    }
    keys->list = more;
    keys->list[keys->n] = mem_strdup(text);
    keys->failed |= keys->list[keys->n++] == NULL;
}

void variant_keys_fini(variant_keys *keys)
{
    for (size_t i = 0; i < keys->n; i++) {
        mem_free(keys->list[i]);
    }
    mem_free(keys->list);
    *keys = (variant_keys){.n = 0};
}

/* ---- opening ---- */

static odeon_status load(const variant_base *base, const variant_keys *keys, bool flow,
                         config **out)
{
    size_t n = base->n + keys->n;
    const char **all = mem_zalloc(n, sizeof *all);
    if (all == NULL || keys->failed) {
        mem_free(all);
        return no_memory();
    }
    for (size_t i = 0; i < base->n; i++) {
        all[i] = base->overrides[i];
    }
    for (size_t i = 0; i < keys->n; i++) {
        all[base->n + i] = keys->list[i];
    }
    odeon_status status = flow ? config_load_untrained(base->registry, base->ini, n, all, out)
                               : config_load(base->registry, base->ini, n, all, out);
    mem_free(all);
    return status;
}

static odeon_status put_over(const variant_base *base, config *c, const char *over)
{
    odeon_config *device;
    ODEON_TRY(device_over(base->registry, over, c->device, &device));
    schema_destroy(c->device);
    c->device = device;
    return ODEON_OK;
}

odeon_status variant_open(const variant_base *base, const variant_keys *keys, variant_ways ways,
                          variant *out)
{
    *out = (variant){.config = NULL};
    ODEON_TRY(load(base, keys, ways.flow, &out->config));
    config *c = out->config;
    ODEON_TRY(ways.over != NULL ? put_over(base, c, ways.over) : ODEON_OK);
    ODEON_TRY(data_describe(c, &out->fields));
    if (ways.flow) {
        return session_create_flow(base->registry, c, &out->fields, c->test_batch, &out->session);
    }
    return ways.shapes
               ? session_create_shapes(base->registry, c, &out->fields, c->batch, &out->session)
               : session_create(base->registry, c, &out->fields, c->batch, &out->session);
}

/* The session first: it borrows the configuration. */
void variant_close(variant *v)
{
    session_destroy(v->session);
    config_destroy(v->config);
    *v = (variant){.config = NULL};
}

/* ---- ODE blocks ---- */

const odeon_config *variant_options(const config_node *block)
{
    return block->items[0];
}

/* Whatever the layer is called: what makes it a block is that it names a method. */
static bool is_block(const config_node *node)
{
    const odeon_config *layer = node->n_items > 0 ? node->items[0] : NULL;
    return layer != NULL && schema_option(layer, "integrator") != NULL &&
           schema_option(layer, "gradient") != NULL;
}

/* list NULL: only counts. */
static size_t collect(size_t n, config_node *const *nodes, size_t found, const config_node **list)
{
    for (size_t i = 0; i < n; i++) {
        if (is_block(nodes[i])) {
            if (list != NULL) {
                list[found] = nodes[i];
            }
            found++;
        }
        found = collect(nodes[i]->n_children, nodes[i]->children, found, list);
    }
    return found;
}

odeon_status variant_blocks(const config *c, size_t *n, const config_node ***list)
{
    *n = collect(c->n_nodes, c->nodes, 0, NULL);
    *list = NULL;
    if (*n == 0) {
        return diag_fail(ODEON_ERR_CONFIG, "%s: the model has no ODE block", c->ini);
    }
    *list = mem_zalloc(*n, sizeof **list);
    if (*list == NULL) {
        return no_memory();
    }
    (void)collect(c->n_nodes, c->nodes, 0, *list);
    return ODEON_OK;
}

static const option_value *set_value(const config_node *block, const char *name)
{
    const option_value *v = schema_value(variant_options(block), name);
    return v != NULL && v->set ? v : NULL;
}

bool variant_is_fixed(const config_node *block)
{
    return set_value(block, "steps") != NULL || set_value(block, "step_size") != NULL;
}

/* A list of tolerances keeps its length. */
static void add_scaled(variant_keys *keys, const config_node *block, const char *name,
                       double tolerance, double scale)
{
    const option_value *v = set_value(block, name);
    text_buffer t = {0};
    for (int32_t i = 0; v != NULL && i < v->n; i++) {
        text_add(&t, i > 0 ? " " : "");
        text_number(&t, tolerance > 0.0 ? tolerance : scale * v->list_f[i]);
    }
    keys->failed |= t.failed;
    if (t.length > 0 && !t.failed) {
        variant_add(keys, "%s.%s.%s=%s", block->root, block->path, name, t.data);
    }
    text_fini(&t);
}

void variant_add_tolerance(variant_keys *keys, const config_node *block, double tolerance,
                           double scale)
{
    const option_value *steps = set_value(block, "steps"), *size = set_value(block, "step_size");
    if (steps != NULL) {
        variant_add(keys, "%s.%s.steps=%.0f", block->root, block->path, (double)steps->i / scale);
    } else if (size != NULL) {
        variant_add(keys, "%s.%s.step_size=%.17g", block->root, block->path, size->f * scale);
    } else {
        add_scaled(keys, block, "rtol", tolerance, scale);
        add_scaled(keys, block, "atol", tolerance, scale);
    }
}

/* ---- parameters ---- */

void variant_values_fini(variant_values *values)
{
    for (size_t i = 0; values->of != NULL && i < values->n; i++) {
        mem_free(values->of[i]);
    }
    mem_free(values->of);
    *values = (variant_values){.n = 0};
}

static odeon_status take(session *s, bool gradients, variant_values *out)
{
    *out = (variant_values){.n = session_parameters(s)};
    out->of = mem_zalloc(out->n, sizeof *out->of);
    odeon_status status = out->of != NULL ? ODEON_OK : no_memory();
    for (size_t i = 0; i < out->n && status == ODEON_OK; i++) {
        session_parameter p = session_parameter_at(s, i);
        if (gradients && p.role == ODEON_PARAM_STATE) {
            continue;
        }
        out->of[i] = mem_zalloc((size_t)p.count, sizeof **out->of);
        status = out->of[i] == NULL ? no_memory()
                 : gradients        ? session_gradient_get(s, i, out->of[i])
                                    : session_parameter_get(s, i, out->of[i]);
    }
    return status;
}

odeon_status variant_take_values(session *s, variant_values *out)
{
    return take(s, false, out);
}

odeon_status variant_take_gradients(session *s, variant_values *out)
{
    return take(s, true, out);
}

/* A model that an override has given other parameters is another model. */
odeon_status variant_set_values(session *s, const variant_values *values)
{
    if (values->n != session_parameters(s)) {
        return diag_fail(ODEON_ERR_CONFIG, "the model has other parameters under these keys");
    }
    for (size_t i = 0; i < values->n; i++) {
        ODEON_TRY(session_parameter_set(s, i, values->of[i]));
    }
    return ODEON_OK;
}

/* ---- the batch ---- */

void variant_batch_fini(variant_batch *batch)
{
    grad_batch_fini(&batch->file);
    data_close(batch->source);
    mem_free(batch->indices);
    *batch = (variant_batch){.n = 0};
}

/* The first of the epoch's order, as training begins. */
static odeon_status take_first(const config *c, int64_t most, variant_batch *out)
{
    ODEON_TRY(data_open(c, ODEON_SPLIT_TRAIN, &out->source));
    int64_t length = data_length(out->source), n = c->batch < length ? c->batch : length;
    out->n = most > 0 && most < n ? most : n;
    out->indices = mem_zalloc((size_t)length, sizeof *out->indices);
    return out->indices != NULL ? data_order(out->source, c->seed, 1, out->indices) : no_memory();
}

odeon_status variant_batch_open(const config *c, const session *s, const char *file, int64_t most,
                                variant_batch *out)
{
    *out = (variant_batch){.given = file != NULL};
    if (file == NULL) {
        return take_first(c, most, out);
    }
    odeon_shape input = session_input(s);
    odeon_status status = grad_batch_read(file, &input, session_fields(s), &out->file);
    out->n = out->file.n;
    return status;
}

odeon_status variant_differentiate(session *s, const variant_batch *batch, session_result *result)
{
    if (!batch->given) {
        return session_differentiate_samples(s, batch->source, batch->n, batch->indices, result);
    }
    const double *field[DATA_ROLES];
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        field[role] = batch->file.field[role];
    }
    return session_differentiate(s, batch->n, field, NULL, NULL, result);
}
