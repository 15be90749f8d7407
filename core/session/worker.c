#include "session/worker.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/rng.h"
#include "plugin/calling.h"

odeon_tensor worker_flat(const session *s, char *data, int64_t offset, int64_t count)
{
    int32_t dtype = s->config->dtype;
    return (odeon_tensor){.data = data + offset * odeon_dtype_bytes(dtype),
                          .dim = {count},
                          .ndim = 1,
                          .dtype = dtype};
}

static const char *moment_name(const worker *w, int32_t moment)
{
    const odeon_optimizer_ops *ops = w->optimizer->component->ops;
    calling outer = calling_begin(w->optimizer, "moment_name");
    const char *name = ops->moment_name(w->optimizer->self, moment);
    calling_leave(outer);
    return name;
}

/* A checkpoint tells moments apart by their names. */
static odeon_status check_moments(const worker *w, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        const char *name = moment_name(w, i);
        bool sound = name != NULL && name[0] != '\0';
        for (int32_t k = 0; k < i && sound; k++) {
            sound = strcmp(name, moment_name(w, k)) != 0;
        }
        if (!sound) {
            return diag_fail(ODEON_ERR_PLUGIN, "optimizer %s: moment %d has no name of its own",
                             w->optimizer->component->id, (int)i);
        }
    }
    return ODEON_OK;
}

static odeon_status make_optimizer(worker *w)
{
    session *s = w->session;
    ODEON_TRY(instance_create(s->config->optimizer, "train.optimizer", &w->optimizer));
    const odeon_optimizer_ops *optimizer = w->optimizer->component->ops;
    calling outer = calling_begin(w->optimizer, "moment_count");
    s->n_moments = optimizer->moment_count(w->optimizer->self);
    calling_leave(outer);
    if (s->n_moments < 0 || s->n_moments > ODEON_MAX_MOMENTS) {
        return diag_fail(ODEON_ERR_PLUGIN, "train.optimizer: answers with a count out of range");
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
                         "%s: nothing trains the layers of [data.*]; a layer with parameters "
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
    odeon_tensor in = data_field_shape(&s->fields, ODEON_ROLE_INPUT, 1, s->config->dtype);
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
    w->staging = staging_make(&s->device, NULL);
    w->site = (net_site){.lane = {.device = &s->device,
                                  .group = &w->group,
                                  .capture = s->config->capture,
                                  .dtype = s->config->dtype},
                         .kernels = s->kernels,
                         .params = &s->params,
                         .first = rank == 0,
                         .until_ode = s->is_flow,
                         .shapes_only = s->is_shapes_only,
                         .classes = s->fields.of[ODEON_ROLE_LABEL].classes,
                         .n_times = s->fields.of[ODEON_ROLE_TIME].dim[0],
                         .seed = s->config->seed};
    if (ODEON_HAS(ops, odeon_device_ops, get_extension)) {
        w->site.lane.poison = ops->get_extension(s->device.self, ODEON_DEVICE_POISON);
    }
    calling outer = calling_begin(s->device_instance, "queue_create");
    ODEON_TRY(calling_end(outer, ops->queue_create(s->device.self, rank, &w->site.lane.queue)));
    ODEON_TRY(make_transforms(w));
    ODEON_TRY(net_create(&w->site, &(net_scope){.path = ""}, s->config->n_nodes, s->config->nodes,
                         &w->data_net->out, &w->net));
    if (s->is_flow || s->config->n_losses == 0) { /* there is nothing to learn from */
        return ODEON_OK;
    }
    ODEON_TRY(worker_make_losses(w));
    return make_optimizer(w);
}

static odeon_status fit_zero(worker *w, device_buffer *r, int64_t count)
{
    const session *s = w->session;
    ODEON_TRY(buffer_fit(&s->device, r, (count + 1) * odeon_dtype_bytes(s->config->dtype)));
    odeon_tensor all = worker_flat(s, r->data, 0, count);
    return s->device.ops->fill(w->site.lane.queue, &all, odeon_imm(0.0), NULL);
}

odeon_status worker_bind(worker *w)
{
    session *s = w->session;
    ODEON_TRY(fit_zero(w, &w->grads, s->params.trainable));
    ODEON_TRY(fit_zero(w, &w->states, s->params.state));
    ODEON_TRY(fit_zero(w, &w->states_before, s->params.state));
    ODEON_TRY(worker_bind_readings(w));
    ODEON_TRY(
        buffer_fit(&s->device, &w->shared_buffer, (1 + w->site.n_times) * (int64_t)sizeof(double)));
    w->shared = mem_zalloc((size_t)(1 + w->site.n_times), sizeof *w->shared);
    if (w->shared == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "workers: no memory");
    }
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
    worker_destroy_losses(w);
    worker_destroy_readings(w);
    instance_destroy(w->optimizer);
    net_site_fini(&w->site);
    net_site_fini(&w->data_site);
    device_buffer *buffers[] = {&w->grads,  &w->states,        &w->states_before, &w->stored,
                                &w->output, &w->d_output,      &w->d_input,       &w->frame,
                                &w->wide,   &w->shared_buffer, &w->d_output_more, &w->rows_buffer};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) {
        buffer_release(device, buffers[i]);
    }
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        buffer_release(device, &w->field_buffers[role]);
        buffer_release(device, &w->raw_buffers[role]);
        mem_free(w->numbers[role]);
    }
    prefetch_destroy(w->prefetch);
    staging_release(&w->staging);
    staging_release(&w->next);
    mem_free(w->rows);
    mem_free(w->shared);
    device->ops->queue_destroy(w->site.lane.queue);
}

odeon_context worker_context(worker *w, int32_t flags)
{
    return (odeon_context){.struct_size = sizeof(odeon_context),
                           .flags = flags,
                           .queue = w->site.lane.queue,
                           .device = &w->session->device,
                           .group = &w->group.abi,
                           .batch_field = batch_field,
                           .host = &w->fields};
}
