/* A worker's slice of a batch on its way from the data set, or the caller's memory, to the device.
 */
#include "diag.h"
#include "mem.h"
#include "worker.h"

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
            ODEON_TRY(room_fit(&s->device, &w->field_rooms[role], bytes));
            *x = shape;
            x->data = w->field_rooms[role].data;
        }
    }
    return ODEON_OK;
}

static odeon_status fit_host(worker *w, int64_t n)
{
    const data_fields *fields = &w->session->fields;
    bool there = true;
    if (n <= w->host_samples) {
        return ODEON_OK;
    }
    w->host_samples = 0;
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        mem_free(w->stored_fields[role]);
        mem_free(w->numbers[role]);
        w->stored_fields[role] = w->numbers[role] = NULL;
        if (data_has(fields, role)) {
            odeon_tensor one = data_field_shape(fields, role, 1, ODEON_DTYPE_F64);
            w->stored_fields[role] = mem_zalloc((size_t)n, (size_t)data_field_bytes(fields, role));
            there = there && w->stored_fields[role] != NULL;
            if (role == ODEON_ROLE_TIME || role == ODEON_ROLE_MASK) {
                w->numbers[role] = mem_zalloc((size_t)(n * odeon_count(&one)), sizeof(double));
                there = there && w->numbers[role] != NULL;
            }
        }
    }
    w->host_samples = there ? n : 0;
    return there ? ODEON_OK
                 : diag_fail(ODEON_ERR_NOMEM, "a batch of %lld: no memory", (long long)n);
}

/* ---- to the device ---- */

/* Host numbers to the device, converted there. Without info they stay as they are: adding -0 keeps
 * even the sign of a zero. */
static odeon_status convert(worker *w, int32_t role, const void *host, int32_t dtype,
                            const odeon_field_info *info, const odeon_tensor *target)
{
    const odeon_device_ops *ops = w->session->device.ops;
    room *raw = &w->raw_rooms[role];
    odeon_tensor source = *target;
    int64_t bytes = odeon_count(target) * odeon_dtype_bytes(dtype);
    double scale = info == NULL ? 1.0 : info->scale, shift = info == NULL ? -0.0 : info->shift;
    ODEON_TRY(room_fit(&w->session->device, raw, bytes + 64));
    source.data = raw->data;
    source.dtype = dtype;
    ODEON_TRY(ops->upload(w->site.queue, raw->data, host, (uint64_t)bytes));
    return ops->cast(w->site.queue, &source, scale, shift, target);
}

/* Inputs as the data set stores them, converted, through the transforms. */
static odeon_status transform(worker *w, const odeon_context *context, const void *host)
{
    const session *s = w->session;
    const odeon_tensor *x = &w->fields.of[ODEON_ROLE_INPUT];
    const odeon_field_info *info = &s->fields.of[ODEON_ROLE_INPUT];
    const net_plan *plan;
    ODEON_TRY(net_plan_for(w->data_net, x->dim[0], context->flags, &plan));
    if (plan->n == 0) {
        return convert(w, ODEON_ROLE_INPUT, host, info->dtype, info, x);
    }
    odeon_tensor stored =
        data_field_shape(&s->fields, ODEON_ROLE_INPUT, x->dim[0], s->config->dtype);
    ODEON_TRY(room_fit(&s->device, &w->stored,
                       odeon_count(&stored) * odeon_dtype_bytes(stored.dtype) + 64));
    stored.data = w->stored.data;
    ODEON_TRY(convert(w, ODEON_ROLE_INPUT, host, info->dtype, info, &stored));
    return net_forward(plan, context, stored.data, x->data, NULL);
}

static odeon_status load_from_set(worker *w, const batch *b, const odeon_context *context,
                                  int64_t first, int64_t n)
{
    const data_fields *fields = &w->session->fields;
    ODEON_TRY(fit_host(w, n));
    ODEON_TRY(data_batch(b->source, n, b->indices + first, w->stored_fields));
    ODEON_TRY(transform(w, context, w->stored_fields[ODEON_ROLE_INPUT]));
    for (int32_t role = ODEON_ROLE_LABEL; role < DATA_ROLES; role++) {
        const odeon_field_info *info = &fields->of[role];
        if (data_has(fields, role)) {
            ODEON_TRY(
                convert(w, role, w->stored_fields[role], info->dtype, info, &w->fields.of[role]));
        }
        if (w->numbers[role] != NULL) {
            data_field_values(info, n, w->stored_fields[role], w->numbers[role]);
        }
    }
    return ODEON_OK;
}

/* Samples in the caller's memory. */
static odeon_status load_given(worker *w, const batch *b, const odeon_context *context,
                               int64_t first)
{
    if (b->stored != NULL) {
        size_t bytes = (size_t)data_field_bytes(&w->session->fields, ODEON_ROLE_INPUT);
        ODEON_TRY(transform(w, context, (const char *)b->stored + (size_t)first * bytes));
    }
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        odeon_tensor *x = &w->fields.of[role];
        odeon_tensor one = device_shape(w, role, 1);
        if (b->given[role] != NULL && x->data != NULL) {
            ODEON_TRY(convert(w, role, b->given[role] + first * odeon_count(&one), ODEON_DTYPE_F64,
                              NULL, x));
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

/* The sum over the workers of shared [1 + T]. */
static odeon_status meet(worker *w, int64_t count)
{
    const odeon_device_ops *ops = w->session->device.ops;
    const odeon_group *group = &w->group.abi;
    uint64_t bytes = (uint64_t)count * sizeof *w->shared;
    odeon_tensor x = {
        .data = w->shared_room.data, .dim = {count}, .ndim = 1, .dtype = ODEON_DTYPE_F64};
    ODEON_TRY(ops->upload(w->site.queue, x.data, w->shared, bytes));
    ODEON_TRY(group->sum(group->self, w->site.queue, &x, ODEON_OK));
    return ops->download(w->site.queue, w->shared, x.data, bytes);
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

/* One meeting, of batches with masks or times alone. */
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
                                : load_given(w, b, context, first));
    return share(w, b, first, n);
}
