#include "worker.h"

#include <string.h>

#include "diag.h"
#include "mem.h"
#include "rng.h"

odeon_tensor worker_flat(const session *s, char *data, int64_t offset, int64_t count)
{
    int32_t dtype = s->config->dtype;
    return (odeon_tensor){.data = data + offset * odeon_dtype_bytes(dtype),
                          .dim = {count},
                          .ndim = 1,
                          .dtype = dtype};
}

/* A sample as the data set stores it. */
static odeon_tensor stored_shape(const session *s)
{
    const odeon_field_info *info = &s->fields.input;
    odeon_tensor x = {.dim = {1}, .ndim = info->ndim + 1, .dtype = s->config->dtype};
    for (int32_t i = 0; i < info->ndim; i++) {
        x.dim[i + 1] = info->dim[i];
    }
    return x;
}

/* A checkpoint tells moments apart by their names. */
static odeon_status check_moments(const worker *w, int32_t n)
{
    const odeon_optimizer_ops *ops = w->optimizer->component->ops;
    for (int32_t i = 0; i < n; i++) {
        const char *name = ops->moment_name(w->optimizer->self, i);
        bool sound = name != NULL && name[0] != '\0';
        for (int32_t k = 0; k < i && sound; k++) {
            sound = strcmp(name, ops->moment_name(w->optimizer->self, k)) != 0;
        }
        if (!sound) {
            return diag_fail(ODEON_ERR_PLUGIN, "optimizer %s: moment %d has no name of its own",
                             w->optimizer->component->id, (int)i);
        }
    }
    return ODEON_OK;
}

static odeon_status make_loss(worker *w)
{
    session *s = w->session;
    ODEON_TRY(instance_create(s->config->loss, "train.loss", &w->loss));
    ODEON_TRY(instance_create(s->config->optimizer, "train.optimizer", &w->optimizer));
    const odeon_loss_ops *loss = w->loss->component->ops;
    const odeon_optimizer_ops *optimizer = w->optimizer->component->ops;
    ODEON_TRY(loss->check(w->loss->self, &w->net->out, s->fields.label.classes));
    s->n_metrics = loss->metric_count(w->loss->self);
    s->n_moments = optimizer->moment_count(w->optimizer->self);
    if (s->n_metrics < 0 || s->n_metrics > ODEON_MAX_METRICS || s->n_moments < 0 ||
        s->n_moments > ODEON_MAX_MOMENTS) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "train: loss or optimizer answers with a count out of range");
    }
    return check_moments(w, s->n_moments);
}

static odeon_status check_transforms(const worker *w)
{
    const session *s = w->session;
    const net_plan *plan;
    char trained[128], evaluated[128];
    if (s->data_params.n > 0) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: nothing trains what stands in [data.*]; a layer with parameters "
                         "belongs into [model.*]",
                         s->data_params.list[0].path);
    }
    ODEON_TRY(net_plan_for(w->data_net, 1, 0, &plan));
    if (plan->out.ndim != w->data_net->out.ndim ||
        memcmp(plan->out.dim, w->data_net->out.dim, sizeof plan->out.dim) != 0) {
        net_shape_text(&w->data_net->out, trained, sizeof trained);
        net_shape_text(&plan->out, evaluated, sizeof evaluated);
        return diag_fail(ODEON_ERR_CONFIG,
                         "data: the transforms make %s in training and %s in evaluation; a layer "
                         "of training alone must leave the shape",
                         trained, evaluated);
    }
    return ODEON_OK;
}

/* The transforms, on a site of their own: neither paths nor parameters are the model's. */
static odeon_status make_transforms(worker *w)
{
    session *s = w->session;
    odeon_tensor in = stored_shape(s);
    w->data_site = w->site;
    w->data_site.params = &s->data_params;
    ODEON_TRY(net_create(&w->data_site, &(net_scope){.path = "data"}, s->config->n_data_nodes,
                         s->config->data_nodes, &in, &w->data_net));
    return check_transforms(w);
}

odeon_status worker_create(session *s, int32_t rank, worker *w)
{
    const odeon_device_ops *ops = s->device.ops;
    w->session = s;
    w->rank = rank;
    w->site = (net_site){.device = &s->device,
                         .group = &w->group,
                         .params = &s->params,
                         .first = rank == 0,
                         .dtype = s->config->dtype,
                         .classes = s->fields.label.classes,
                         .seed = s->config->seed};
    if (ODEON_HAS(ops, odeon_device_ops, get_extension)) {
        w->site.poison = ops->get_extension(s->device.self, ODEON_DEVICE_POISON);
    }
    ODEON_TRY(ops->queue_create(s->device.self, rank, &w->site.queue));
    ODEON_TRY(make_transforms(w));
    ODEON_TRY(net_create(&w->site, &(net_scope){.path = ""}, s->config->n_nodes, s->config->nodes,
                         &w->data_net->out, &w->net));
    return make_loss(w);
}

static odeon_status fit_zero(worker *w, room *r, int64_t count)
{
    const session *s = w->session;
    ODEON_TRY(room_fit(&s->device, r, (count + 1) * odeon_dtype_bytes(s->config->dtype)));
    odeon_tensor all = worker_flat(s, r->data, 0, count);
    return s->device.ops->fill(w->site.queue, &all, odeon_imm(0.0), NULL);
}

odeon_status worker_bind(worker *w)
{
    session *s = w->session;
    ODEON_TRY(fit_zero(w, &w->grads, s->params.trainable));
    ODEON_TRY(fit_zero(w, &w->states, s->params.state));
    ODEON_TRY(fit_zero(w, &w->states_before, s->params.state));
    ODEON_TRY(room_fit(&s->device, &w->sums, (1 + ODEON_MAX_METRICS) * (int64_t)sizeof(double)));
    ODEON_TRY(room_fit(&s->device, &w->slots, ODEON_SLOTS * (int64_t)sizeof(double)));
    w->site.values = s->values.data;
    w->site.grads = w->grads.data;
    w->site.states = w->states.data;
    net_bind(w->net);
    return ODEON_OK;
}

void worker_destroy(worker *w)
{
    const odeon_device *device = &w->session->device;
    net_destroy(w->net);
    net_destroy(w->data_net);
    instance_destroy(w->loss);
    instance_destroy(w->optimizer);
    net_site_fini(&w->site);
    net_site_fini(&w->data_site);
    room *rooms[] = {&w->grads,   &w->states, &w->states_before, &w->raw_input, &w->raw_label,
                     &w->stored,  &w->input,  &w->label,         &w->output,    &w->d_output,
                     &w->d_input, &w->frame,  &w->sums,          &w->slots};
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        room_release(device, rooms[i]);
    }
    mem_free(w->host_input);
    mem_free(w->host_label);
    device->ops->queue_destroy(w->site.queue);
}

/* Data sets serve inputs and labels alone so far; layers see neither by name. */
static const odeon_tensor *no_field(const odeon_context *context, const char *name)
{
    (void)context;
    (void)name;
    return NULL;
}

odeon_context worker_context(const worker *w, int32_t flags)
{
    return (odeon_context){.struct_size = sizeof(odeon_context),
                           .flags = flags,
                           .queue = w->site.queue,
                           .device = &w->session->device,
                           .group = &w->group.abi,
                           .batch_field = no_field};
}

/* ---- loading a slice ---- */

static odeon_status fit_host(worker *w, int64_t n)
{
    const data_fields *fields = &w->session->fields;
    if (n <= w->host_samples) {
        return ODEON_OK;
    }
    mem_free(w->host_input);
    mem_free(w->host_label);
    w->host_input = mem_zalloc((size_t)n, (size_t)data_input_bytes(fields));
    w->host_label = mem_zalloc((size_t)n, (size_t)data_label_bytes(fields));
    w->host_samples = w->host_input != NULL && w->host_label != NULL ? n : 0;
    return w->host_samples == n
               ? ODEON_OK
               : diag_fail(ODEON_ERR_NOMEM, "a batch of %lld: no memory", (long long)n);
}

/* Host numbers to the device, converted there. Without info they stay as they are: adding -0 keeps
 * even the sign of a zero. */
static odeon_status convert(worker *w, room *raw, const void *host, int32_t dtype,
                            const odeon_field_info *info, const odeon_tensor *target)
{
    const odeon_device_ops *ops = w->session->device.ops;
    odeon_tensor source = *target;
    int64_t bytes = odeon_count(target) * odeon_dtype_bytes(dtype);
    double scale = info == NULL ? 1.0 : info->scale, shift = info == NULL ? -0.0 : info->shift;
    ODEON_TRY(room_fit(&w->session->device, raw, bytes + 64));
    source.data = raw->data;
    source.dtype = dtype;
    ODEON_TRY(ops->upload(w->site.queue, raw->data, host, (uint64_t)bytes));
    return ops->cast(w->site.queue, &source, scale, shift, target);
}

/* Numbers as the data set stores them, converted, through the transforms. */
static odeon_status transform(worker *w, const odeon_context *context, const void *host,
                              const odeon_tensor *x)
{
    const session *s = w->session;
    const odeon_field_info *info = &s->fields.input;
    const net_plan *plan;
    odeon_tensor stored = stored_shape(s);
    ODEON_TRY(net_plan_for(w->data_net, x->dim[0], context->flags, &plan));
    if (plan->n == 0) {
        return convert(w, &w->raw_input, host, info->dtype, info, x);
    }
    stored.dim[0] = x->dim[0];
    ODEON_TRY(room_fit(&s->device, &w->stored,
                       odeon_count(&stored) * odeon_dtype_bytes(stored.dtype) + 64));
    stored.data = w->stored.data;
    ODEON_TRY(convert(w, &w->raw_input, host, info->dtype, info, &stored));
    return net_forward(plan, context, stored.data, x->data, NULL);
}

/* Samples in the caller's memory. */
static odeon_status load_given(worker *w, const batch *b, const odeon_context *context,
                               int64_t first, const odeon_tensor *x, const odeon_tensor *label)
{
    if (b->stored != NULL) {
        size_t bytes = (size_t)data_input_bytes(&w->session->fields);
        ODEON_TRY(transform(w, context, (const char *)b->stored + (size_t)first * bytes, x));
    } else {
        odeon_tensor one = w->net->in;
        ODEON_TRY(
            convert(w, &w->raw_input, b->x + first * odeon_count(&one), ODEON_DTYPE_F64, NULL, x));
    }
    return b->labels == NULL
               ? ODEON_OK
               : convert(w, &w->raw_label, b->labels + first, ODEON_DTYPE_I64, NULL, label);
}

odeon_status worker_load(worker *w, const batch *b, const odeon_context *context, int64_t first,
                         int64_t n)
{
    const session *s = w->session;
    const odeon_field_info *labels = &s->fields.label;
    odeon_tensor x = w->net->in, label = {.dim = {n}, .ndim = 1, .dtype = ODEON_DTYPE_I64};
    int64_t size = odeon_count(&x);
    x.dim[0] = n;
    ODEON_TRY(room_fit(&s->device, &w->input, n * size * odeon_dtype_bytes(x.dtype) + 64));
    ODEON_TRY(room_fit(&s->device, &w->label, n * (int64_t)sizeof(int64_t) + 64));
    x.data = w->input.data;
    label.data = w->label.data;
    if (b->source == NULL) {
        return load_given(w, b, context, first, &x, &label);
    }
    ODEON_TRY(fit_host(w, n));
    ODEON_TRY(data_batch(b->source, n, b->indices + first, w->host_input, w->host_label));
    ODEON_TRY(transform(w, context, w->host_input, &x));
    return convert(w, &w->raw_label, w->host_label, labels->dtype, labels, &label);
}
