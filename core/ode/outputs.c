/* A solve has one vector [n] for each time, the layer has input [B, ...] and output [B, T, ...].
 * Where a block solves in place the two are the same memory and nothing is copied but the start. */
#include "ode/outputs.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "data/batch_fields.h"
#include "ode/control_times.h"
#include "odeon/device_move.h"
#include "solver/workspace.h"

/* The first two times set the direction. Equal times and NaN neither rise nor fall. */
bool times_are_monotone(int32_t n, const double *times, int32_t *bad)
{
    *bad = -1;
    for (int32_t i = 1; i < n && *bad < 0; i++) {
        bool rises = times[i] > times[i - 1], falls = times[i] < times[i - 1];
        *bad = (rises || falls) && rises == (times[1] > times[0]) ? -1 : i;
    }
    return *bad < 0;
}

/* Of the block's own list, or of the data set's field: known before any batch. */
int32_t ode_time_count(const odeon_ode *ode)
{
    return ode->spec.n_times > 0 ? ode->spec.n_times : (int32_t)ode->site->n_times;
}

/* Do the vectors have memory of their own? In place only the end is given out, the start is the
 * whole input, and there are no integrals behind y. */
bool ode_is_apart(const odeon_ode *ode)
{
    return ode->spec.output == ODEON_OUTPUT_ALL || ode->spec.initial != ODEON_INITIAL_INPUT ||
           ode->integrals.n > 0;
}

/* Does the gradient method read the outputs of the forward in its backward? */
static bool needs_y(const odeon_ode *ode)
{
    return (ode->gradient_flags & ODEON_GRADIENT_NEEDS_Y) != 0;
}

/* Elements of one sample of y: the body's input has batch 1. */
static int64_t features(const odeon_ode *ode)
{
    return odeon_count(&ode->body->in);
}

/* As a vector, which is how the engine sees a state. */
static odeon_view flat(const odeon_view *x)
{
    odeon_view y = *x;
    y.shape = (odeon_shape){.ndim = 1, .dtype = x->shape.dtype, .dim = {odeon_count(&x->shape)}};
    return y;
}

/* The same to be written. */
static odeon_tensor flat_out(const odeon_tensor *x)
{
    return (odeon_tensor){flat(&x->view)};
}

static odeon_shape vector_shape(const odeon_ode *ode, int64_t n)
{
    return (odeon_shape){.ndim = 1, .dtype = ode->site->lane.dtype, .dim = {n}};
}

/* Elements of a solve's vectors: y, and integrals behind it. */
static int64_t length(const odeon_ode *ode)
{
    return ode->integrals.n > 0 ? ode->integrals.length : ode->outputs.samples * features(ode);
}

/* y alone of a solve's vector. */
static odeon_view y_of(const odeon_ode *ode, const odeon_view *x)
{
    odeon_view y = *x;
    y.shape.dim[0] = ode->outputs.samples * features(ode);
    return y;
}

/* ---- shapes ---- */

odeon_status ode_output_shape(const odeon_ode *ode, const odeon_shape *in, odeon_shape *out)
{
    odeon_shape y = ode->body->in;
    y.dim[0] = in->dim[0];
    *out = y;
    if (ode->spec.output == ODEON_OUTPUT_END) {
        return ODEON_OK;
    }
    if (y.ndim == ODEON_MAX_DIMS) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: y has %d dimensions, and so none is left for the times of the output",
                         ode->path, (int)y.ndim);
    }
    out->ndim++;
    out->dim[1] = ode_time_count(ode);
    memcpy(out->dim + 2, y.dim + 1, (size_t)(y.ndim - 1) * sizeof *y.dim);
    return ODEON_OK;
}

/* ---- set-up ---- */

static odeon_status no_memory(const odeon_ode *ode)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its outputs", ode->path);
}

/* A given start is uploaded once, in the run's dtype. It is the same for every sample, and
 * copy_rows repeats it with a pitch of 0. */
odeon_status ode_outputs_init(odeon_ode *ode)
{
    ode_outputs *o = &ode->outputs;
    const net_site *site = ode->site;
    size_t n = (size_t)ode->spec.n_initial_values;
    if (ode->spec.initial != ODEON_INITIAL_LIST) {
        return ODEON_OK;
    }
    bool is_wide = site->lane.dtype == ODEON_DTYPE_F64;
    float *narrow = mem_zalloc(n, sizeof *narrow);
    if (narrow == NULL) {
        return no_memory(ode);
    }
    for (size_t i = 0; i < n; i++) {
        narrow[i] = (float)ode->spec.initial_values[i];
    }
    uint64_t bytes = n * (uint64_t)odeon_dtype_bytes(site->lane.dtype);
    odeon_status status = buffer_fit(site->lane.device, &o->start, (int64_t)bytes);
    if (status == ODEON_OK) {
        const void *values = is_wide ? (const void *)ode->spec.initial_values : narrow;
        status = site->lane.device->ops->upload(site->lane.queue, o->start.data, values, bytes);
    }
    mem_free(narrow);
    return status;
}

/* The site's device is there as long as the block. */
void ode_outputs_fini(odeon_ode *ode)
{
    ode_outputs *o = &ode->outputs;
    buffer_release(ode->site->lane.device, &o->rows);
    buffer_release(ode->site->lane.device, &o->d_rows);
    buffer_release(ode->site->lane.device, &o->start);
    mem_free(o->y);
    mem_free(o->d_y);
}

/* ---- a pass ---- */

/* Only a batch with more times than any before allocates. Either list may have grown when the other
 * could not: capacity says how far both reach. */
odeon_status ode_lists_fit(const odeon_ode *ode, int32_t n_times, odeon_tensor **y,
                           odeon_view **d_y, int32_t *capacity)
{
    if (n_times <= *capacity) {
        return ODEON_OK;
    }
    odeon_tensor *longer_y = mem_resize(*y, (size_t)n_times, sizeof *longer_y);
    *y = longer_y != NULL ? longer_y : *y;
    odeon_view *longer_d_y = mem_resize(*d_y, (size_t)n_times, sizeof *longer_d_y);
    *d_y = longer_d_y != NULL ? longer_d_y : *d_y;
    if (longer_y == NULL || longer_d_y == NULL) {
        return no_memory(ode);
    }
    *capacity = n_times;
    return ODEON_OK;
}

/* Each vector of a buffer begins at a multiple of 64 bytes. */
static int64_t row_bytes(const odeon_ode *ode)
{
    return workspace_aligned(length(ode) * odeon_dtype_bytes(ode->site->lane.dtype));
}

/* Vector i of a buffer of rows, [length]. */
static odeon_tensor row(const odeon_ode *ode, const device_buffer *rows, int32_t i)
{
    return odeon_tensor_at(rows->data + i * row_bytes(ode), vector_shape(ode, length(ode)));
}

/* sample: below 0 of all, else of this one. */
static odeon_status check_batch_times(const odeon_ode *ode, const double *times, int64_t sample)
{
    int32_t bad;
    char whose[64] = "the batch's times";
    if (times_are_monotone(ode->outputs.n_times, times, &bad)) {
        return ODEON_OK;
    }
    if (sample >= 0) {
        (void)snprintf(whose, sizeof whose, "the times of sample %lld of the batch",
                       (long long)sample);
    }
    return diag_fail(ODEON_ERR_DATA,
                     "%s: %s must rise or fall throughout, but number %d is %.9g and number %d is "
                     "%.9g",
                     ode->path, whose, (int)bad, times[bad - 1], (int)bad + 1, times[bad]);
}

/* Each worker sees the times of its own samples, and so it may be the only one to refuse them. */
static odeon_status read_own_times(odeon_ode *ode, const odeon_layer_call *call, int64_t samples)
{
    ode_outputs *o = &ode->outputs;
    ODEON_TRY(batch_own_times(call, ode->path, &o->times, &o->own_times));
    for (int64_t i = 0; i < samples; i++) {
        ODEON_TRY(check_batch_times(ode, o->own_times + i * o->n_times, call->first_sample + i));
    }
    return ODEON_OK;
}

/* Of times that all samples share all workers see the same, and so all refuse them. */
static odeon_status read_times(odeon_ode *ode, const odeon_layer_call *call, int64_t samples)
{
    ode_outputs *o = &ode->outputs;
    o->n_times = ode_time_count(ode);
    o->times = ode->spec.times;
    o->own_times = NULL;
    if (ode->spec.n_times > 0) {
        return ODEON_OK;
    }
    if (ode->samples != NULL) {
        return read_own_times(ode, call, samples);
    }
    ODEON_TRY(batch_times(call, ode->path, &o->times));
    return check_batch_times(ode, o->times, -1);
}

odeon_status ode_times_fit(odeon_ode *ode, const odeon_layer_call *call, int64_t samples)
{
    ode_outputs *o = &ode->outputs;
    o->samples = samples;
    ODEON_TRY(read_times(ode, call, samples));
    control_times_check(ode, call, samples);
    return ode_lists_fit(ode, o->n_times, &o->y, &o->d_y, &o->capacity);
}

/* Called in every pass, before vectors are addressed. Cotangents need rows of their own only if y
 * is still read while they are used; else they take y's place. */
odeon_status ode_outputs_fit(odeon_ode *ode)
{
    ode_outputs *o = &ode->outputs;
    const odeon_device *device = ode->site->lane.device;
    o->used_bytes = 0;
    if (!ode_is_apart(ode)) {
        return ODEON_OK;
    }
    int64_t bytes = row_bytes(ode) * o->n_times + 64;
    ODEON_TRY(buffer_fit(device, &o->rows, bytes));
    ODEON_TRY(needs_y(ode) ? buffer_fit(device, &o->d_rows, bytes) : ODEON_OK);
    o->used_bytes = (needs_y(ode) ? 2 : 1) * bytes;
    for (int32_t i = 0; i < o->n_times; i++) {
        o->y[i] = row(ode, &o->rows, i);
    }
    return ODEON_OK;
}

/* One row of cols elements a sample, from x to y; pitches and first elements are counted in
 * elements. */
static odeon_status copy_rows(const odeon_ode *ode, const odeon_view *x, int64_t x_pitch,
                              int64_t x_at, const odeon_tensor *y, int64_t y_pitch, int64_t y_at)
{
    int64_t cols = features(ode), rows = ode->outputs.samples;
    return ODEON_DO(ode->site->lane.device, move, copy2d, ode->site->lane.queue, .x = x, .y = y,
                    .rows = rows, .cols = cols, .x_pitch = x_pitch, .x_at = x_at,
                    .y_pitch = y_pitch, .y_at = y_at);
}

/* In place the output's memory is both y[0] and y[1]: the start is copied there and the solve
 * overwrites it with the end. */
odeon_status ode_take_start(odeon_ode *ode, const odeon_view *in, const odeon_tensor *out)
{
    ode_outputs *o = &ode->outputs;
    int64_t n = features(ode);
    odeon_view x = flat(in);
    if (!ode_is_apart(ode)) {
        o->y[0] = o->y[1] = flat_out(out);
    }
    ODEON_TRY(quadrature_clear(&ode->integrals, &o->y[0]));
    if (ode->spec.initial == ODEON_INITIAL_INPUT) {
        odeon_tensor y0 = {y_of(ode, &o->y[0].view)};
        return ode->services.copy(ode, &x, &y0);
    }
    if (ode->spec.initial == ODEON_INITIAL_FIRST) {
        return copy_rows(ode, &x, in->shape.dim[1] * n, 0, &o->y[0], n, 0);
    }
    x = odeon_view_at(o->start.data, vector_shape(ode, n));
    return copy_rows(ode, &x, 0, 0, &o->y[0], n, 0);
}

/* In place the output has been written over; the input has not. */
odeon_view ode_start(const odeon_ode *ode, const odeon_view *in)
{
    return ode_is_apart(ode) ? y_of(ode, &ode->outputs.y[0].view) : flat(in);
}

odeon_view ode_end(const odeon_ode *ode)
{
    return y_of(ode, &ode->outputs.y[ode->outputs.n_times - 1].view);
}

/* The layer's output is [B, T, ...], the solve's vectors are one a time: rows are interleaved, time
 * by time. In place the output has been written by the solve. */
odeon_status ode_give_outputs(odeon_ode *ode, const odeon_tensor *out)
{
    const ode_outputs *o = &ode->outputs;
    int64_t n = features(ode);
    odeon_tensor y = flat_out(out);
    if (!ode_is_apart(ode)) {
        return ODEON_OK;
    }
    if (ode->spec.output == ODEON_OUTPUT_END) {
        odeon_view end = ode_end(ode);
        return ode->services.copy(ode, &end, &y);
    }
    for (int32_t i = 0; i < o->n_times; i++) {
        ODEON_TRY(copy_rows(ode, &o->y[i].view, n, 0, &y, o->n_times * n, i * n));
    }
    return ODEON_OK;
}

/* Where the cotangent of output i is made: without a need for y they take its place. Behind that of
 * y is 0, but for the last time, which integrals are given out at. */
static odeon_status begin_cotangent(odeon_ode *ode, int32_t i, odeon_tensor *d_y)
{
    ode_outputs *o = &ode->outputs;
    *d_y = row(ode, needs_y(ode) ? &o->d_rows : &o->rows, i);
    o->d_y[i] = d_y->view;
    ODEON_TRY(quadrature_clear(&ode->integrals, d_y));
    return i + 1 == o->n_times ? quadrature_give(&ode->integrals, 1.0, d_y) : ODEON_OK;
}

/* The layer's cotangent [B, T, ...] becomes one vector for each time. */
static odeon_status split_cotangents(odeon_ode *ode, const odeon_view *d_out)
{
    const ode_outputs *o = &ode->outputs;
    int64_t n = features(ode);
    odeon_view x = flat(d_out);
    for (int32_t i = 0; i < o->n_times; i++) {
        odeon_tensor d_y;
        ODEON_TRY(begin_cotangent(ode, i, &d_y));
        ODEON_TRY(copy_rows(ode, &x, o->n_times * n, i * n, &d_y, n, 0));
    }
    return ODEON_OK;
}

/* Of the end alone: the start, as an output, has none. With integrals behind it it is a vector of
 * its own. */
static odeon_status take_last_cotangent(odeon_ode *ode, const odeon_view *d_out)
{
    ode_outputs *o = &ode->outputs;
    odeon_view x = flat(d_out);
    o->d_y[0] = (odeon_view){.shape.ndim = 1};
    o->d_y[1] = x;
    if (ode->integrals.n == 0) {
        return ODEON_OK;
    }
    odeon_tensor d_y;
    ODEON_TRY(begin_cotangent(ode, 1, &d_y));
    d_y.view = y_of(ode, &d_y.view);
    return ode->services.copy(ode, &x, &d_y);
}

/* d_y0 goes straight to the layer's d_in where that is the cotangent of the start, and into a
 * vector of its own where nobody wants it or it is only a part of d_in. Of the end alone, the first
 * output has no cotangent: data NULL stands for 0. */
odeon_status ode_take_cotangents(odeon_ode *ode, const odeon_layer_call *call)
{
    ode_outputs *o = &ode->outputs;
    const odeon_view nothing = {.shape.ndim = 1};
    if (!ode_is_apart(ode)) { /* y is only read by a backward pass (gradient.h) */
        o->y[0] = (odeon_tensor){call->in != NULL ? flat(call->in) : nothing};
        o->y[1] = call->out != NULL ? flat_out(call->out) : (odeon_tensor){nothing};
    }
    bool own =
        call->d_in == NULL || ode->spec.initial != ODEON_INITIAL_INPUT || ode->integrals.n > 0;
    o->d_y0 = own ? odeon_tensor_at(ode->state_bar.data, vector_shape(ode, length(ode)))
                  : flat_out(call->d_in);
    return ode->spec.output == ODEON_OUTPUT_ALL ? split_cotangents(ode, call->d_out)
                                                : take_last_cotangent(ode, call->d_out);
}

/* Only the state that the solve started from gets a cotangent: of several states the others stay 0,
 * and a given start gets none. */
odeon_status ode_give_cotangent(odeon_ode *ode, const odeon_tensor *d_in)
{
    int64_t n = features(ode);
    odeon_tensor x;
    if (d_in == NULL) {
        return ODEON_OK;
    }
    x = flat_out(d_in);
    if (ode->spec.initial == ODEON_INITIAL_INPUT) {
        odeon_view d_y0 = y_of(ode, &ode->outputs.d_y0.view);
        return ode->services.copy(ode, &d_y0, &x); /* where it was not made in place */
    }
    ODEON_TRY(ODEON_DO(ode->site->lane.device, move, fill, ode->site->lane.queue, .y = &x,
                       .value = odeon_imm(0.0)));
    return ode->spec.initial == ODEON_INITIAL_LIST
               ? ODEON_OK
               : copy_rows(ode, &ode->outputs.d_y0.view, n, 0, &x, d_in->view.shape.dim[1] * n, 0);
}
