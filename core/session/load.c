#include "session/load.h"

#include "base/diag.h"
#include "base/mem.h"
#include "net/given.h"
#include "odeon/device_ext.h"
#include "odeon/device_move.h"
#include "session/shared_fields.h"
#include "session/slice.h"

/* ---- memory ---- */

/* The shape [n, ...] of a field as the network and the losses take it: classes as I64, times as
 * F64, all else in the run's dtype. */
static odeon_shape device_shape(const worker *w, int32_t role, int64_t n)
{
    const model *m = w->model;
    bool class = role == ODEON_ROLE_LABEL && m->fields.of[role].classes > 0;
    odeon_shape x = w->net->in;
    if (role != ODEON_ROLE_INPUT) {
        uint32_t dtype = class                     ? ODEON_DTYPE_I64
                         : role == ODEON_ROLE_TIME ? ODEON_DTYPE_F64
                                                   : m->config->dtype;
        x = data_field_shape(&m->fields, role, n, dtype);
    }
    x.dim[0] = n;
    return x;
}

/* Makes room for all fields of n samples; a field that the data set lacks has data NULL. */
static odeon_status fit_device(worker *w, int64_t n)
{
    const model *m = w->model;
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        odeon_tensor *x = &w->fields.of[role];
        *x = (odeon_tensor){.view.data = NULL};
        if (data_has(&m->fields, role)) {
            odeon_shape shape = device_shape(w, role, n);
            ODEON_TRY(buffer_fit(m->device, &w->field_buffers[role], odeon_bytes(&shape) + 64));
            *x = odeon_tensor_at(w->field_buffers[role].data, shape);
        }
    }
    return ODEON_OK;
}

/* The host's side: rows of samples on the device, and the numbers of times and masks. */
static odeon_status fit_host(worker *w, int64_t n)
{
    const data_fields *fields = &w->model->fields;
    if (n <= w->host_samples) {
        return ODEON_OK;
    }
    w->host_samples = 0;
    mem_free(w->rows);
    w->rows = mem_zalloc((size_t)n, sizeof *w->rows);
    bool there = w->rows != NULL;
    for (int32_t role = ODEON_ROLE_LABEL; role <= ODEON_ROLE_MASK; role++) {
        odeon_shape one = data_field_shape(fields, role, 1, ODEON_DTYPE_F64);
        mem_free(w->numbers[role]);
        w->numbers[role] = NULL;
        if (data_has(fields, role) && (role != ODEON_ROLE_LABEL || w->label_weights != NULL)) {
            w->numbers[role] = mem_zalloc((size_t)(n * odeon_count(&one)), sizeof(double));
            there = there && w->numbers[role] != NULL;
        }
    }
    w->host_samples = there ? n : 0;
    return there ? ODEON_OK
                 : diag_fail(ODEON_ERR_NOMEM, "a batch of %lld: no memory", (long long)n);
}

/* ---- to the device ---- */

/* Where the device has the samples before they are converted: in rows of a cache that holds the
 * whole split (set), or n of them by themselves, by field. */
typedef struct origin {
    bool numbers; /* F64, the numbers themselves: the data set's scale and shift do not apply */
    const device_cache *set;
    odeon_tensor rows; /* I64 [n], on the device */
    char *fields[DATA_ROLES];
} origin;

/* Converts one field [n, ...]: scale * stored + shift, in the target's dtype. */
static odeon_status fetch(worker *w, const origin *from, int32_t role, const odeon_tensor *target)
{
    const odeon_field_info *info = &w->model->fields.of[role];
    if (from->set != NULL) {
        odeon_tensor all = device_cache_field(from->set, role);
        return ODEON_DO(w->model->device, move, gather, w->site.lane.queue, .x = &all.view,
                        .index = &from->rows.view, .scale = info->scale, .shift = info->shift,
                        .y = target);
    }
    odeon_tensor source = *target;
    source.view.data = from->fields[role];
    source.view.shape.dtype = from->numbers ? ODEON_DTYPE_F64 : info->dtype;
    return from->numbers
               ? ODEON_DO(w->model->device, move, cast, w->site.lane.queue, .x = &source.view,
                          .scale = 1.0, .shift = -0.0, .y = target)
               : ODEON_DO(w->model->device, move, cast, w->site.lane.queue, .x = &source.view,
                          .scale = info->scale, .shift = info->shift, .y = target);
}

/* The input, converted and through the transforms, becomes the network's [n, in]. Without any
 * transform it is converted straight to where the network reads it. */
static odeon_status transform(worker *w, const odeon_layer_call *call, const origin *from)
{
    const model *m = w->model;
    const odeon_tensor *x = &w->fields.of[ODEON_ROLE_INPUT];
    const net_plan *plan;
    ODEON_TRY(net_plan_for(w->data_net, x->view.shape.dim[0], call->flags, &plan));
    if (plan->n == 0) {
        return fetch(w, from, ODEON_ROLE_INPUT, x);
    }
    odeon_shape stored =
        data_field_shape(&m->fields, ODEON_ROLE_INPUT, x->view.shape.dim[0], m->config->dtype);
    ODEON_TRY(buffer_fit(m->device, &w->stored, odeon_bytes(&stored) + 64));
    odeon_tensor input = odeon_tensor_at(w->stored.data, stored);
    ODEON_TRY(fetch(w, from, ODEON_ROLE_INPUT, &input));
    return net_forward(plan, call, w->stored.data, odeon_write(x), NULL);
}

/* The split's samples lie on the device: only indices are uploaded. */
static odeon_status find_samples(worker *w, const batch *b, int64_t n, origin *out)
{
    const model *m = w->model;
    uint64_t bytes = (uint64_t)n * sizeof *w->rows;
    ODEON_TRY(buffer_fit(m->device, &w->rows_buffer, (int64_t)bytes + 64));
    ODEON_TRY(m->device->ops->upload(w->site.lane.queue, w->rows_buffer.data, w->rows, bytes));
    for (int32_t role = ODEON_ROLE_LABEL; role <= ODEON_ROLE_MASK; role++) {
        if (w->numbers[role] != NULL) {
            device_cache_values(b->samples, role, n, w->rows, w->numbers[role]);
        }
    }
    *out = (origin){.set = b->samples,
                    .rows = {.view.data = w->rows_buffer.data,
                             .view.shape.dim = {n},
                             .view.shape.ndim = 1,
                             .view.shape.dtype = ODEON_DTYPE_I64}};
    return ODEON_OK;
}

/* If this slice was read ahead, the two stagings swap: what was next is now this batch's. */
static bool take_next(worker *w, const batch *b, int64_t first, int64_t n, odeon_status *status)
{
    if (w->prefetch == NULL ||
        !prefetch_take(w->prefetch, b->source, n, b->indices + first, status)) {
        return false;
    }
    staging before = w->staging;
    w->staging = w->next;
    w->next = before;
    return true;
}

/* Not read ahead: the first batch, or one that nobody announced. */
static odeon_status read_now(worker *w, const batch *b, int64_t first, int64_t n)
{
    const data_fields *fields = &w->model->fields;
    ODEON_TRY(staging_fit(&w->staging, fields, n));
    ODEON_TRY(staging_read(&w->staging, b->source, n, b->indices + first));
    return staging_upload(&w->staging, w->site.lane.queue, fields, n);
}

/* The samples as stored, in staging on both sides; times and masks also as the host's numbers,
 * which shared_fields_set needs. */
static odeon_status read_samples(worker *w, const batch *b, int64_t first, int64_t n, origin *out)
{
    odeon_status status = ODEON_OK;
    ODEON_TRY(take_next(w, b, first, n, &status) ? status : read_now(w, b, first, n));
    *out = (origin){.set = NULL};
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        out->fields[role] = w->staging.on_device[role].data;
        if (w->numbers[role] != NULL) {
            data_field_values(&w->model->fields.of[role], n, w->staging.host[role],
                              w->numbers[role]);
        }
    }
    return ODEON_OK;
}

/* Has the thread of prefetch read the batch to come while this one is worked on, where the device
 * copies by itself. Nothing still reads the memory of next: it was staging a batch ago, and the
 * queue has been waited for since. */
static odeon_status read_ahead(worker *w, const batch *b)
{
    const model *m = w->model;
    const odeon_device_pinned *pinned = staging_pinned(m->device);
    int64_t n = 0, first = worker_slice(w, b->next.n, &n);
    if (pinned == NULL || b->next.source == NULL || n == 0) {
        return ODEON_OK;
    }
    if (w->prefetch == NULL) {
        ODEON_TRY(prefetch_create(m->device, w->rank, &w->prefetch));
    }
    if (w->next.pinned == NULL) {
        staging_release(&w->next);
        w->next = staging_make(m->device, pinned);
    }
    ODEON_TRY(staging_fit(&w->next, &m->fields, n));
    return prefetch_begin(w->prefetch, b->next.source, n, b->next.indices + first, &w->next);
}

/* A batch that went well has waited for its loss or its output; one that failed may have left the
 * queue at work on the staging that the next batch overwrites. */
void load_end(worker *w, odeon_status status)
{
    if (w->prefetch != NULL) {
        prefetch_end(w->prefetch);
        if (status != ODEON_OK) {
            (void)w->model->device->ops->wait(w->site.lane.queue);
        }
    }
}

/* ---- from the data set ---- */

/* Reading ahead begins as soon as next is free, which has changed sides with staging when this
 * batch was taken from it, and before the host is busy launching the transforms. */
static odeon_status load_from_set(worker *w, const batch *b, const odeon_layer_call *call,
                                  int64_t first, int64_t n)
{
    origin from;
    ODEON_TRY(fit_host(w, n));
    bool here = b->samples != NULL && device_cache_rows(b->samples, n, b->indices + first, w->rows);
    ODEON_TRY(here ? find_samples(w, b, n, &from) : read_samples(w, b, first, n, &from));
    ODEON_TRY(read_ahead(w, b));
    ODEON_TRY(transform(w, call, &from));
    for (int32_t role = ODEON_ROLE_LABEL; role < DATA_ROLES; role++) {
        if (data_has(&w->model->fields, role)) {
            ODEON_TRY(fetch(w, &from, role, &w->fields.of[role]));
        }
    }
    return ODEON_OK;
}

/* ---- from the caller's memory ---- */

/* Uploads a field's numbers and casts them to the target's dtype; adding -0 keeps even the sign of
 * a zero. */
static odeon_status upload_numbers(worker *w, int32_t role, const double *numbers,
                                   const odeon_tensor *target)
{
    const odeon_device_ops *ops = w->model->device->ops;
    odeon_tensor source = *target;
    int64_t bytes = odeon_count(&target->view.shape) * (int64_t)sizeof *numbers;
    ODEON_TRY(buffer_fit(w->model->device, &w->raw_buffers[role], bytes + 64));
    void *raw = w->raw_buffers[role].data;
    source.view.data = raw;
    source.view.shape.dtype = ODEON_DTYPE_F64;
    ODEON_TRY(ops->upload(w->site.lane.queue, raw, numbers, (uint64_t)bytes));
    return ODEON_DO(w->model->device, move, cast, w->site.lane.queue, .x = &source.view,
                    .scale = 1.0, .shift = -0.0, .y = target);
}

/* Inputs of the caller's in the data set's shape, n of them from first on: as it stores them or as
 * the numbers that they stand for. */
static odeon_status upload_inputs(worker *w, const batch *b, const odeon_layer_call *call,
                                  int64_t first, int64_t n)
{
    const model *m = w->model;
    device_buffer *raw = &w->raw_buffers[ODEON_ROLE_INPUT];
    odeon_shape one = data_field_shape(&m->fields, ODEON_ROLE_INPUT, 1, ODEON_DTYPE_F64);
    uint64_t one_bytes = b->stored != NULL ? data_field_bytes(&m->fields, ODEON_ROLE_INPUT)
                                           : (uint64_t)odeon_count(&one) * sizeof(double);
    const char *samples = b->stored != NULL ? b->stored : (const void *)b->values;
    uint64_t bytes = (uint64_t)n * one_bytes;
    ODEON_TRY(buffer_fit(m->device, raw, (int64_t)bytes + 64));
    ODEON_TRY(m->device->ops->upload(w->site.lane.queue, raw->data,
                                     samples + (uint64_t)first * one_bytes, bytes));
    origin from = {.numbers = b->stored == NULL, .fields = {[ODEON_ROLE_INPUT] = raw->data}};
    return transform(w, call, &from);
}

/* A field that the caller leaves out is absent from this batch. */
static odeon_status load_given(worker *w, const batch *b, const odeon_layer_call *call,
                               int64_t first, int64_t n)
{
    if (b->stored != NULL || b->values != NULL) {
        ODEON_TRY(upload_inputs(w, b, call, first, n));
    }
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        odeon_tensor *x = &w->fields.of[role];
        odeon_shape one = device_shape(w, role, 1);
        if (b->given[role] != NULL && x->view.data != NULL) {
            ODEON_TRY(upload_numbers(w, role, b->given[role] + first * odeon_count(&one), x));
        } else if (role != ODEON_ROLE_INPUT) {
            x->view.data = NULL;
        }
    }
    return ODEON_OK;
}

odeon_status load_slice(worker *w, const batch *b, const odeon_layer_call *call, int64_t first,
                        int64_t n)
{
    ODEON_TRY(fit_device(w, n));
    ODEON_TRY(b->source != NULL ? load_from_set(w, b, call, first, n)
                                : load_given(w, b, call, first, n));
    ODEON_TRY(given_check_batch(&w->site, call));
    return shared_fields_set(w, b, first, n);
}

void load_fini(worker *w)
{
    const odeon_device *device = w->model->device;
    prefetch_destroy(w->prefetch); /* waits, before the memory that it fills is released */
    staging_release(&w->staging);
    staging_release(&w->next);
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        buffer_release(device, &w->field_buffers[role]);
        buffer_release(device, &w->raw_buffers[role]);
        mem_free(w->numbers[role]);
    }
    buffer_release(device, &w->stored);
    buffer_release(device, &w->rows_buffer);
    mem_free(w->rows);
}
