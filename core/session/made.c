#include "session/made.h"

#include <string.h>

#include "base/diag.h"
#include "odeon/device_move.h"
#include "solver/workspace.h"

/* ---- what there is ---- */

static odeon_status add_layer(made_quantities *q, net_layer *layer)
{
    layer->first_integral = q->n;
    for (int32_t i = 0; i < layer->plan.n_integrals; i++) {
        const char *name = layer->plan.integral_names[i];
        if (q->n == MADE_MAX) {
            return diag_fail(ODEON_ERR_CONFIG,
                             "%s: layers make more than %d numbers of a sample for the losses",
                             layer->path, MADE_MAX);
        }
        if (name == NULL || name[0] == '\0') {
            return diag_fail(ODEON_ERR_PLUGIN, "%s: layer %s makes a quantity without a name",
                             layer->path, layer->instance->component->id);
        }
        q->of[q->n] = layer;
        q->names[q->n++] = name;
    }
    return ODEON_OK;
}

/* Containers before their bodies, as calls count (net_forward). An ODE block has integrals of its
 * own, which count from 0. */
static odeon_status add_layers(made_quantities *q, odeon_net *net)
{
    for (size_t i = 0; net != NULL && i < net->n; i++) {
        net_layer *layer = &net->layers[i];
        if (layer->ops->bodies == ODEON_BODIES_FIELD) {
            continue;
        }
        ODEON_TRY(add_layer(q, layer));
        for (size_t b = 0; b < layer->n_bodies; b++) {
            ODEON_TRY(add_layers(q, layer->bodies[b]));
        }
    }
    return ODEON_OK;
}

odeon_status made_init(worker *w)
{
    return add_layers(&w->made, w->net);
}

void made_fini(worker *w)
{
    buffer_release(w->model->device, &w->made.wide);
    buffer_release(w->model->device, &w->made.narrow);
}

int32_t made_find(const worker *w, const char *name)
{
    for (int32_t i = 0; i < w->made.n; i++) {
        size_t n = strlen(w->made.of[i]->path);
        if (strncmp(name, w->made.of[i]->path, n) == 0 && name[n] == '.' &&
            strcmp(name + n + 1, w->made.names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

/* ---- a batch ---- */

/* Row i of 2 n. */
static odeon_tensor row_of(const made_quantities *q, const device_buffer *rows, int32_t i,
                           uint32_t dtype)
{
    int64_t bytes = workspace_aligned(q->samples * odeon_dtype_bytes(dtype));
    return odeon_tensor_at(rows->data + i * bytes,
                           (odeon_shape){.ndim = 1, .dtype = dtype, .dim = {q->samples}});
}

static odeon_status cast(const worker *w, const odeon_view *x, const odeon_tensor *y)
{
    return ODEON_DO(w->model->device, move, cast, w->site.lane.queue, .x = x, .y = y, .scale = 1.0);
}

static odeon_status clear(const worker *w, const odeon_tensor *y)
{
    return ODEON_DO(w->model->device, move, fill, w->site.lane.queue, .y = y,
                    .value = odeon_imm(0.0));
}

odeon_status made_begin(worker *w, int64_t samples, odeon_layer_call *call)
{
    made_quantities *q = &w->made;
    if (q->n == 0) {
        return ODEON_OK;
    }
    int64_t rows = 2 * q->n * workspace_aligned(samples * (int64_t)sizeof(double)) + 64;
    q->samples = samples;
    ODEON_TRY(buffer_fit(w->model->device, &q->wide, rows));
    ODEON_TRY(buffer_fit(w->model->device, &q->narrow, rows));
    for (int32_t i = 0; i < q->n; i++) {
        q->value[i] = row_of(q, &q->wide, i, ODEON_DTYPE_F64);
        ODEON_TRY(clear(w, &q->value[i]));
    }
    call->integrand = q->value;
    return ODEON_OK;
}

odeon_view made_value(const worker *w, int32_t i)
{
    return row_of(&w->made, &w->made.narrow, i, w->site.lane.dtype).view;
}

odeon_tensor made_cotangent(const worker *w, int32_t i)
{
    return row_of(&w->made, &w->made.narrow, w->made.n + i, w->site.lane.dtype);
}

odeon_status made_finish_forward(worker *w, bool backward)
{
    for (int32_t i = 0; i < w->made.n; i++) {
        odeon_tensor value = {made_value(w, i)}, cotangent = made_cotangent(w, i);
        ODEON_TRY(cast(w, &w->made.value[i].view, &value));
        ODEON_TRY(backward ? clear(w, &cotangent) : ODEON_OK);
    }
    return ODEON_OK;
}

odeon_status made_begin_backward(worker *w, odeon_layer_call *call)
{
    made_quantities *q = &w->made;
    for (int32_t i = 0; i < q->n; i++) {
        odeon_tensor wide = row_of(q, &q->wide, q->n + i, ODEON_DTYPE_F64);
        odeon_tensor cotangent = made_cotangent(w, i);
        ODEON_TRY(cast(w, &cotangent.view, &wide));
        q->d_value[i] = wide.view;
    }
    call->d_integrand = q->n > 0 ? q->d_value : NULL;
    return ODEON_OK;
}
