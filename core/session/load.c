/* A worker's slice of a batch on its way from the data set, or the caller's memory, to the device.
 */
#include "base/diag.h"
#include "base/mem.h"
#include "session/worker.h"

/* ---- memory ---- */

/* Of a sample, as the device has it. */
static odeon_tensor device_shape(const worker *w, int32_t role, int64_t n)
{
    const session *s = w->session;
    bool class = role == ODEON_ROLE_LABEL && s->fields.of[role].classes > 0;
    odeon_tensor x = w->net->in;
    if (role != ODEON_ROLE_INPUT) {
        int32_t dtype = class                     ? ODEON_DTYPE_I64
                        : role == ODEON_ROLE_TIME ? ODEON_DTYPE_F64
                                                  : s->config->dtype;
        x = data_field_shape(&s->fields, role, n, dtype);
    }
    x.dim[0] = n;
    return x;
}

static odeon_status fit_device(worker *w, int64_t n)
{
    const session *s = w->session;
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        odeon_tensor *x = &w->fields.of[role];
        *x = (odeon_tensor){.data = NULL};
        if (data_has(&s->fields, role)) {
            odeon_tensor shape = device_shape(w, role, n);
            int64_t bytes = odeon_count(&shape) * odeon_dtype_bytes(shape.dtype) + 64;
            ODEON_TRY(buffer_fit(&s->device, &w->field_buffers[role], bytes));
            *x = shape;
            x->data = w->field_buffers[role].data;
        }
    }
    return ODEON_OK;
}

static odeon_status fit_host(worker *w, int64_t n)
{
    const data_fields *fields = &w->session->fields;
    if (n <= w->host_samples) {
        return ODEON_OK;
    }
    w->host_samples = 0;
    mem_free(w->rows);
    w->rows = mem_zalloc((size_t)n, sizeof *w->rows);
    bool there = w->rows != NULL;
    for (int32_t role = ODEON_ROLE_TIME; role <= ODEON_ROLE_MASK; role++) {
        odeon_tensor one = data_field_shape(fields, role, 1, ODEON_DTYPE_F64);
        mem_free(w->numbers[role]);
        w->numbers[role] = NULL;
        if (data_has(fields, role)) {
            w->numbers[role] = mem_zalloc((size_t)(n * odeon_count(&one)), sizeof(double));
            there = there && w->numbers[role] != NULL;
        }
    }
    w->host_samples = there ? n : 0;
    return there ? ODEON_OK
                 : diag_fail(ODEON_ERR_NOMEM, "a batch of %lld: no memory", (long long)n);
}

/* ---- to the device ---- */

/* Where samples are, as stored: rows of a set on the device, or n of them there, by field. */
typedef struct origin {
    bool numbers; /* F64, as the samples' numbers are meant: no scale applies */
    const device_cache *set;
    odeon_tensor rows; /* I64 [n], on the device */
    char *fields[DATA_ROLES];
} origin;

/* Stored numbers, converted. */
static odeon_status fetch(worker *w, const origin *from, int32_t role, const odeon_tensor *target)
{
    const odeon_device_ops *ops = w->session->device.ops;
    const odeon_field_info *info = &w->session->fields.of[role];
    if (from->set != NULL) {
        odeon_tensor all = device_cache_field(from->set, role);
        return ops->gather(w->site.lane.queue, &all, &from->rows, info->scale, info->shift, target);
    }
    odeon_tensor source = *target;
    source.data = from->fields[role];
    source.dtype = from->numbers ? ODEON_DTYPE_F64 : info->dtype;
    return from->numbers ? ops->cast(w->site.lane.queue, &source, 1.0, -0.0, target)
                         : ops->cast(w->site.lane.queue, &source, info->scale, info->shift, target);
}

/* Inputs through the transforms. */
static odeon_status transform(worker *w, const odeon_context *context, const origin *from)
{
    const session *s = w->session;
    const odeon_tensor *x = &w->fields.of[ODEON_ROLE_INPUT];
    const net_plan *plan;
    ODEON_TRY(net_plan_for(w->data_net, x->dim[0], context->flags, &plan));
    if (plan->n == 0) {
        return fetch(w, from, ODEON_ROLE_INPUT, x);
    }
    odeon_tensor stored =
        data_field_shape(&s->fields, ODEON_ROLE_INPUT, x->dim[0], s->config->dtype);
    ODEON_TRY(buffer_fit(&s->device, &w->stored,
                         odeon_count(&stored) * odeon_dtype_bytes(stored.dtype) + 64));
    stored.data = w->stored.data;
    ODEON_TRY(fetch(w, from, ODEON_ROLE_INPUT, &stored));
    return net_forward(plan, context, stored.data, x->data, NULL);
}

/* Only indices travel. */
static odeon_status find_samples(worker *w, const batch *b, int64_t n, origin *out)
{
    const session *s = w->session;
    uint64_t bytes = (uint64_t)n * sizeof *w->rows;
    ODEON_TRY(buffer_fit(&s->device, &w->rows_buffer, (int64_t)bytes + 64));
    ODEON_TRY(s->device.ops->upload(w->site.lane.queue, w->rows_buffer.data, w->rows, bytes));
    for (int32_t role = ODEON_ROLE_TIME; role <= ODEON_ROLE_MASK; role++) {
        if (w->numbers[role] != NULL) {
            device_cache_values(b->samples, role, n, w->rows, w->numbers[role]);
        }
    }
    *out = (origin){
        .set = b->samples,
        .rows = {.data = w->rows_buffer.data, .dim = {n}, .ndim = 1, .dtype = ODEON_DTYPE_I64}};
    return ODEON_OK;
}

/* What was read ahead changes sides. */
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

static odeon_status read_now(worker *w, const batch *b, int64_t first, int64_t n)
{
    const data_fields *fields = &w->session->fields;
    ODEON_TRY(staging_fit(&w->staging, fields, n));
    ODEON_TRY(staging_read(&w->staging, b->source, n, b->indices + first));
    return staging_upload(&w->staging, w->site.lane.queue, fields, n);
}

static odeon_status read_samples(worker *w, const batch *b, int64_t first, int64_t n, origin *out)
{
    odeon_status status = ODEON_OK;
    ODEON_TRY(take_next(w, b, first, n, &status) ? status : read_now(w, b, first, n));
    *out = (origin){.set = NULL};
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        out->fields[role] = w->staging.on_device[role].data;
        if (w->numbers[role] != NULL) {
            data_field_values(&w->session->fields.of[role], n, w->staging.host[role],
                              w->numbers[role]);
        }
    }
    return ODEON_OK;
}

/* The queue has been waited for since it took anything from next, which was staging a batch ago. */
static odeon_status read_ahead(worker *w, const batch *b)
{
    const session *s = w->session;
    const odeon_device_pinned *pinned = staging_pinned(&s->device);
    int64_t n = 0, first = worker_slice(w, b->next.n, &n);
    if (pinned == NULL || b->next.source == NULL || n == 0 ||
        session_samples_of(s, b->next.source) != NULL) {
        return ODEON_OK;
    }
    if (w->prefetch == NULL) {
        ODEON_TRY(prefetch_create(&s->device, w->rank, &w->prefetch));
    }
    if (w->next.pinned == NULL) {
        staging_release(&w->next);
        w->next = staging_make(&s->device, pinned);
    }
    ODEON_TRY(staging_fit(&w->next, &s->fields, n));
    return prefetch_begin(w->prefetch, b->next.source, n, b->next.indices + first, &w->next);
}

void worker_end_reading(worker *w, odeon_status status)
{
    if (w->prefetch != NULL) {
        prefetch_end(w->prefetch);
        if (status != ODEON_OK) { /* elsewhere a batch waits for its loss or its output */
            (void)w->session->device.ops->wait(w->site.lane.queue);
        }
    }
}

static odeon_status load_from_set(worker *w, const batch *b, const odeon_context *context,
                                  int64_t first, int64_t n)
{
    origin from;
    ODEON_TRY(fit_host(w, n));
    bool here = b->samples != NULL && device_cache_rows(b->samples, n, b->indices + first, w->rows);
    ODEON_TRY(here ? find_samples(w, b, n, &from) : read_samples(w, b, first, n, &from));
    ODEON_TRY(read_ahead(w, b));
    ODEON_TRY(transform(w, context, &from));
    for (int32_t role = ODEON_ROLE_LABEL; role < DATA_ROLES; role++) {
        if (data_has(&w->session->fields, role)) {
            ODEON_TRY(fetch(w, &from, role, &w->fields.of[role]));
        }
    }
    return ODEON_OK;
}

/* Numbers of the caller's to the device and into its dtype; adding -0 keeps even the sign of a
 * zero.
 */
static odeon_status give(worker *w, int32_t role, const double *numbers, const odeon_tensor *target)
{
    const odeon_device_ops *ops = w->session->device.ops;
    odeon_tensor source = *target;
    int64_t bytes = odeon_count(target) * (int64_t)sizeof *numbers;
    ODEON_TRY(buffer_fit(&w->session->device, &w->raw_buffers[role], bytes + 64));
    source.data = w->raw_buffers[role].data;
    source.dtype = ODEON_DTYPE_F64;
    ODEON_TRY(ops->upload(w->site.lane.queue, source.data, numbers, (uint64_t)bytes));
    return ops->cast(w->site.lane.queue, &source, 1.0, -0.0, target);
}

/* Inputs of the caller's in the data set's shape, n of them from first on: as it stores them or as
 * the numbers that they stand for. */
static odeon_status give_sample(worker *w, const batch *b, const odeon_context *context,
                                int64_t first, int64_t n)
{
    const session *s = w->session;
    device_buffer *raw = &w->raw_buffers[ODEON_ROLE_INPUT];
    odeon_tensor one = data_field_shape(&s->fields, ODEON_ROLE_INPUT, 1, ODEON_DTYPE_F64);
    uint64_t one_bytes = b->stored != NULL ? data_field_bytes(&s->fields, ODEON_ROLE_INPUT)
                                           : (uint64_t)odeon_count(&one) * sizeof(double);
    const char *samples = b->stored != NULL ? b->stored : (const void *)b->values;
    uint64_t bytes = (uint64_t)n * one_bytes;
    ODEON_TRY(buffer_fit(&s->device, raw, (int64_t)bytes + 64));
    ODEON_TRY(s->device.ops->upload(w->site.lane.queue, raw->data,
                                    samples + (uint64_t)first * one_bytes, bytes));
    origin from = {.numbers = b->stored == NULL, .fields = {[ODEON_ROLE_INPUT] = raw->data}};
    return transform(w, context, &from);
}

/* Samples in the caller's memory. */
static odeon_status load_given(worker *w, const batch *b, const odeon_context *context,
                               int64_t first, int64_t n)
{
    if (b->stored != NULL || b->values != NULL) {
        ODEON_TRY(give_sample(w, b, context, first, n));
    }
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        odeon_tensor *x = &w->fields.of[role];
        odeon_tensor one = device_shape(w, role, 1);
        if (b->given[role] != NULL && x->data != NULL) {
            ODEON_TRY(give(w, role, b->given[role] + first * odeon_count(&one), x));
        } else if (role != ODEON_ROLE_INPUT) {
            x->data = NULL;
        }
    }
    return ODEON_OK;
}

/* ---- what all workers know of the whole batch ---- */

/* A field of this slice as the host's numbers; of an empty slice anything. */
static const double *numbers_of(const worker *w, const batch *b, int32_t role, int64_t first)
{
    odeon_tensor one = data_field_shape(&w->session->fields, role, 1, ODEON_DTYPE_F64);
    return b->source != NULL ? w->numbers[role] : b->given[role] + first * odeon_count(&one);
}

static double sum_of(const double *x, int64_t n)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        sum += x[i];
    }
    return sum;
}

/* The sum over the workers of shared [1 + T]. One alone has it. */
static odeon_status meet(worker *w, int64_t count)
{
    const odeon_device_ops *ops = w->session->device.ops;
    const odeon_group *group = &w->group.abi;
    if (group->size == 1) {
        return ODEON_OK;
    }
    uint64_t bytes = (uint64_t)count * sizeof *w->shared;
    odeon_tensor x = {
        .data = w->shared_buffer.data, .dim = {count}, .ndim = 1, .dtype = ODEON_DTYPE_F64};
    ODEON_TRY(ops->upload(w->site.lane.queue, x.data, w->shared, bytes));
    ODEON_TRY(group->sum(group->self, w->site.lane.queue, &x, ODEON_OK));
    return ops->download(w->site.lane.queue, w->shared, x.data, bytes);
}

/* Where times differ is not yet a failure: only a solve at these times would mind. */
static void compare_times(worker *w, const double *times, int64_t first, int64_t n)
{
    batch_fields *fields = &w->fields;
    int64_t length = w->site.n_times;
    fields->times = &w->shared[1];
    for (int64_t i = 0; i < n * length && fields->deviant < 0; i++) {
        if (!(times[i] == fields->times[i % length])) {
            fields->deviant = first + i / length;
        }
    }
}

/* One collective, of batches with masks or times alone. */
static odeon_status share(worker *w, const batch *b, int64_t first, int64_t n)
{
    batch_fields *fields = &w->fields;
    bool masked = fields->of[ODEON_ROLE_MASK].data != NULL;
    bool timed = fields->of[ODEON_ROLE_TIME].data != NULL;
    odeon_tensor one = data_field_shape(&w->session->fields, ODEON_ROLE_LABEL, 1, ODEON_DTYPE_F64);
    int64_t length = w->site.n_times, size = odeon_count(&one);
    fields->counted = (double)(b->n * size);
    fields->times = NULL;
    fields->deviant = -1;
    if (!masked && !timed) {
        return ODEON_OK;
    }
    const double *mask = masked ? numbers_of(w, b, ODEON_ROLE_MASK, first) : NULL;
    const double *times = timed ? numbers_of(w, b, ODEON_ROLE_TIME, first) : NULL;
    w->shared[0] = masked ? sum_of(mask, n * size) : 0.0;
    for (int64_t i = 0; i < length; i++) { /* only who has the first sample adds its times */
        w->shared[1 + i] = timed && first == 0 && n > 0 ? times[i] : 0.0;
    }
    ODEON_TRY(meet(w, 1 + length));
    fields->counted = masked ? w->shared[0] : fields->counted;
    if (timed) {
        compare_times(w, times, first, n);
    }
    return ODEON_OK;
}

odeon_status worker_load(worker *w, const batch *b, const odeon_context *context, int64_t first,
                         int64_t n)
{
    ODEON_TRY(fit_device(w, n));
    ODEON_TRY(b->source != NULL ? load_from_set(w, b, context, first, n)
                                : load_given(w, b, context, first, n));
    return share(w, b, first, n);
}
