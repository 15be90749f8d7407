#include "ode/quadrature.h"

#include <string.h>

#include "base/diag.h"
#include "odeon/device_move.h"
#include "solver/workspace.h"

/* ---- what is declared ---- */

/* The index of a name among those so far, which it joins; -1 where there is no room. */
static int32_t find_name(quadrature *q, const char *name)
{
    int32_t i = 0;
    while (i < q->n && strcmp(q->names[i], name) != 0) {
        i++;
    }
    if (i == ODEON_MAX_INTEGRALS) {
        return -1;
    }
    q->names[i] = name;
    q->n = i == q->n ? i + 1 : q->n;
    return i;
}

/* Those of one layer itself. */
static odeon_status add_terms(quadrature *q, net_layer *layer)
{
    const odeon_layer_plan *plan = &layer->plan;
    layer->first_integral = q->n_terms;
    for (int32_t i = 0; i < plan->n_integrals; i++) {
        const char *name = plan->integral_names[i];
        if (name == NULL || name[0] == '\0') {
            return diag_fail(ODEON_ERR_PLUGIN, "%s: layer %s declares an integral without a name",
                             layer->path, layer->instance->component->id);
        }
        int32_t k = q->n_terms < QUADRATURE_MAX_TERMS ? find_name(q, name) : -1;
        if (k < 0) {
            return diag_fail(ODEON_ERR_CONFIG,
                             "%s: too many integrals along the path: at most %d names in %d layers",
                             layer->path, ODEON_MAX_INTEGRALS, QUADRATURE_MAX_TERMS);
        }
        q->name_of[q->n_terms++] = k;
    }
    return ODEON_OK;
}

/* Containers before their bodies: a call of a body counts from the container's first one on. */
static odeon_status add_layers(quadrature *q, odeon_net *net)
{
    for (size_t i = 0; i < net->n; i++) {
        net_layer *layer = &net->layers[i];
        ODEON_TRY(add_terms(q, layer));
        for (size_t b = 0; b < layer->n_bodies; b++) {
            ODEON_TRY(layer->bodies[b] != NULL ? add_layers(q, layer->bodies[b]) : ODEON_OK);
        }
    }
    return ODEON_OK;
}

odeon_status quadrature_init(quadrature *q, odeon_net *body)
{
    q->lane = &body->site->lane;
    return add_layers(q, body);
}

void quadrature_fini(quadrature *q)
{
    if (q->lane != NULL) {
        buffer_release(q->lane->device, &q->values);
        buffer_release(q->lane->device, &q->bars);
        buffer_release(q->lane->device, &q->d_q);
    }
}

/* ---- where it lies ---- */

static odeon_shape row_shape(int64_t n, uint32_t dtype)
{
    return (odeon_shape){.ndim = 1, .dtype = dtype, .dim = {n}};
}

/* Row i of a buffer of rows [samples]. */
static odeon_tensor row_of(const quadrature *q, const device_buffer *rows, int32_t i,
                           uint32_t dtype)
{
    int64_t n = q->parts[i].rows, bytes = workspace_aligned(n * odeon_dtype_bytes(dtype));
    return odeon_tensor_at(rows->data + i * bytes, row_shape(n, dtype));
}

/* Rows are aligned: the buffer as a whole is filled with one call. */
static odeon_status fill_rows(const quadrature *q, const device_buffer *rows, uint32_t dtype)
{
    int64_t width = odeon_dtype_bytes(dtype);
    odeon_tensor all = odeon_tensor_at(
        rows->data, row_shape(q->n * workspace_aligned(q->parts[0].rows * width) / width, dtype));
    return ODEON_DO(q->lane->device, move, fill, q->lane->queue, .y = &all,
                    .value = odeon_imm(0.0));
}

/* Cotangents are written by the losses before any pass reads them; where nobody has, as in a
 * backward that a test asks for, they are 0. */
static odeon_status fit_rows(quadrature *q, int64_t samples, uint32_t dtype)
{
    const odeon_device *device = q->lane->device;
    int64_t wide = q->n * workspace_aligned(samples * (int64_t)sizeof(double));
    const char *before = q->d_q.data;
    ODEON_TRY(buffer_fit(device, &q->values, wide + 64));
    ODEON_TRY(buffer_fit(device, &q->bars, wide + 64));
    ODEON_TRY(buffer_fit(device, &q->d_q, wide + 64));
    return q->d_q.data != before ? fill_rows(q, &q->d_q, dtype) : ODEON_OK;
}

/* One number a sample each. */
static void lay_out(quadrature *q, const odeon_part *y, int64_t step, int32_t flags)
{
    int64_t at = y->n;
    for (int32_t i = 0; i < q->n; i++) {
        at = (at + step - 1) / step * step;
        int64_t features = y->rows > 0 ? y->n / y->rows : 1;
        q->parts[i] = (odeon_part){.name = q->names[i],
                                   .offset = at,
                                   .n = y->rows,
                                   .rows = y->rows,
                                   .n_global = features > 0 ? y->n_global / features : 0,
                                   .flags = flags};
        at += y->rows;
    }
    q->length = at;
}

odeon_status quadrature_fit(quadrature *q, const odeon_part *y, uint32_t dtype, bool counts)
{
    q->length = y->n;
    if (q->n == 0) {
        return ODEON_OK;
    }
    int32_t flags = ODEON_PART_QUADRATURE | (counts ? 0 : ODEON_PART_NO_NORM);
    lay_out(q, y, 64 / odeon_dtype_bytes(dtype), flags);
    ODEON_TRY(fit_rows(q, y->rows, dtype));
    for (int32_t i = 0; i < q->n_terms; i++) {
        q->integrand[i] = row_of(q, &q->values, q->name_of[i], ODEON_DTYPE_F64);
        q->d_integrand[i] = row_of(q, &q->bars, q->name_of[i], ODEON_DTYPE_F64).view;
    }
    return ODEON_OK;
}

/* ---- what is computed ---- */

/* As a whole: what lies behind y alone need not begin at an address that operators like. */
odeon_status quadrature_clear(const quadrature *q, const odeon_tensor *state)
{
    return q->n == 0 ? ODEON_OK
                     : ODEON_DO(q->lane->device, move, fill, q->lane->queue, .y = state,
                                .value = odeon_imm(0.0));
}

odeon_status quadrature_begin(const quadrature *q)
{
    return q->n == 0 ? ODEON_OK : fill_rows(q, &q->values, ODEON_DTYPE_F64);
}

static odeon_status cast(const quadrature *q, const odeon_view *x, double scale,
                         const odeon_tensor *y)
{
    return ODEON_DO(q->lane->device, move, cast, q->lane->queue, .x = x, .y = y, .scale = scale);
}

odeon_status quadrature_store(const quadrature *q, const odeon_tensor *dy)
{
    for (int32_t i = 0; i < q->n; i++) {
        odeon_tensor value = row_of(q, &q->values, i, ODEON_DTYPE_F64);
        odeon_tensor part = {quadrature_part(q, &dy->view, i)};
        ODEON_TRY(cast(q, &value.view, q->direction, &part));
    }
    return ODEON_OK;
}

odeon_status quadrature_take(const quadrature *q, const odeon_view *dy_bar)
{
    for (int32_t i = 0; i < q->n; i++) {
        odeon_view part = quadrature_part(q, dy_bar, i);
        odeon_tensor bar = row_of(q, &q->bars, i, ODEON_DTYPE_F64);
        ODEON_TRY(cast(q, &part, q->direction, &bar));
    }
    return ODEON_OK;
}

odeon_view quadrature_part(const quadrature *q, const odeon_view *state, int32_t i)
{
    odeon_view x = *state;
    x.byte_offset += (uint64_t)(q->parts[i].offset * odeon_dtype_bytes(state->shape.dtype));
    x.shape.dim[0] = q->parts[i].n;
    return x;
}

odeon_tensor quadrature_cotangent(const quadrature *q, int32_t i)
{
    return row_of(q, &q->d_q, i, q->lane->dtype);
}

odeon_status quadrature_clear_cotangents(const quadrature *q)
{
    return q->n == 0 ? ODEON_OK : fill_rows(q, &q->d_q, q->lane->dtype);
}

odeon_status quadrature_give(const quadrature *q, double scale, const odeon_tensor *state)
{
    for (int32_t i = 0; i < q->n; i++) {
        odeon_tensor bar = quadrature_cotangent(q, i);
        odeon_tensor part = {quadrature_part(q, &state->view, i)};
        ODEON_TRY(cast(q, &bar.view, scale, &part));
    }
    return ODEON_OK;
}
