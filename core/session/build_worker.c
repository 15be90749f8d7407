/* A worker's life: made on the caller's thread, one after the other, then handed to its own thread
 * for every batch, destroyed by the caller again once the threads are joined. Nothing here needs a
 * lock.
 *
 * Two sites, since the transforms of [data.*] are a network of their own before the model's: their
 * layers have paths below "data", and they may have no parameters. Both share the worker's queue.
 */
#include "session/build_worker.h"

#include <string.h>

#include "device/worker_group.h"
#include "device/worker_sum.h"
#include "odeon/device_ext.h"
#include "plugin/calling.h"
#include "session/load.h"
#include "session/loss.h"
#include "session/made.h"
#include "session/optimizer.h"
#include "session/readings.h"
#include "session/shared_fields.h"

/* The network is built for one input shape, so the transforms have to make the same in both
 * modes. */
static odeon_status check_transforms(const worker *w)
{
    const model *m = w->model;
    const net_plan *plan;
    char trained[128], evaluated[128];
    if (m->data_params.n > 0) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: nothing trains the layers of [data.*]; a layer with parameters "
                         "belongs into [model.*]",
                         m->data_params.list[0].path);
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
    model *m = w->model;
    odeon_shape in = data_field_shape(&m->fields, ODEON_ROLE_INPUT, 1, m->config->dtype);
    w->data_site = w->site;
    w->data_site.params = &m->data_params;
    ODEON_TRY(net_create(&w->data_site, &(net_scope){.path = "data"}, m->config->n_data_nodes,
                         m->config->data_nodes, &in, &w->data_net));
    return check_transforms(w);
}

/* What all networks of this worker have in common. Only the first worker's fill the parameters. */
static void make_site(worker *w)
{
    model *m = w->model;
    w->site = (net_site){.lane = {.device = m->device,
                                  .group = &w->group,
                                  .capture = m->config->capture,
                                  .dtype = m->config->dtype},
                         .kernels = m->kernels,
                         .params = &m->params,
                         .first = w->rank == 0,
                         .until_ode = m->until_ode,
                         .shapes_only = m->shapes_only,
                         .classes = m->fields.of[ODEON_ROLE_LABEL].classes,
                         .n_times = m->fields.of[ODEON_ROLE_TIME].dim[0],
                         .seed = m->config->seed};
    for (int32_t role = ODEON_ROLE_TIME; role < DATA_ROLES; role++) {
        if (data_has(&m->fields, role)) {
            uint32_t dtype = role == ODEON_ROLE_TIME ? ODEON_DTYPE_F64 : m->config->dtype;
            w->site.given[role] = data_field_shape(&m->fields, role, 1, dtype);
        }
    }
    w->site.lane.poison = m->device->get_table(m->device, ODEON_DEVICE_POISON);
}

/* The losses come after the network, whose output they have to fit. */
odeon_status worker_create(model *m, int32_t rank, worker *w)
{
    w->model = m;
    w->rank = rank;
    w->staging = staging_make(m->device, NULL);
    make_site(w);
    calling outer = calling_begin(m->opened.instance, "queue_create");
    ODEON_TRY(calling_end(outer, device_queue_create(m->device, rank, &w->site.lane.queue)));
    ODEON_TRY(make_transforms(w));
    w->site.has_losses = true;
    ODEON_TRY(net_create(&w->site, &(net_scope){.path = ""}, m->config->n_nodes, m->config->nodes,
                         &w->data_net->out, &w->net));
    ODEON_TRY(made_init(w));
    if (m->until_ode || m->config->n_losses == 0) { /* there is nothing to learn from */
        return ODEON_OK;
    }
    ODEON_TRY(losses_make(w));
    return optimizer_make(w);
}

/* The largest sum over the workers in a step: all gradients, with the losses' sums or the time's
 * gradient beside them. */
static int64_t sums_bytes(const worker *w)
{
    const model *m = w->model;
    return m->params.trainable * odeon_dtype_bytes(m->config->dtype) +
           (w->n_sums + 1) * (int64_t)sizeof(double) + 2 * 64;
}

odeon_status worker_bind(worker *w)
{
    const model *m = w->model;
    odeon_queue *queue = w->site.lane.queue;
    ODEON_TRY(model_fit_zero(m, queue, &w->grads, m->params.trainable));
    if (m->config->accumulate > 1) {
        ODEON_TRY(model_fit_zero(m, queue, &w->accumulated, m->params.trainable));
        ODEON_TRY(model_fit_zero(m, queue, &w->states_part, m->params.state));
    }
    ODEON_TRY(model_fit_zero(m, queue, &w->states, m->params.state));
    ODEON_TRY(model_fit_zero(m, queue, &w->states_before, m->params.state));
    ODEON_TRY(readings_init(w));
    ODEON_TRY(shared_fields_init(w));
    ODEON_TRY(worker_sum_reserve(&w->group, sums_bytes(w)));
    w->site.values = m->values.data;
    w->site.grads = w->grads.data;
    w->site.states = w->states.data;
    net_bind(w->net);
    return ODEON_OK;
}

/* Whatever holds memory of the device goes before the queue. */
void worker_destroy(worker *w)
{
    const odeon_device *device = w->model->device;
    net_destroy(w->net);
    net_destroy(w->data_net);
    losses_destroy(w);
    made_fini(w);
    readings_fini(w);
    shared_fields_fini(w);
    load_fini(w);
    for (size_t i = 0; i < MODEL_MAX_PHASES; i++) {
        instance_destroy(w->optimizers[i]);
    }
    net_site_fini(&w->site);
    net_site_fini(&w->data_site);
    device_buffer *buffers[] = {&w->grads,    &w->states,        &w->states_before, &w->output,
                                &w->d_output, &w->d_output_more, &w->d_input,       &w->frame,
                                &w->wide,     &w->accumulated,   &w->states_part};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) {
        buffer_release(device, buffers[i]);
    }
    worker_group_fini(&w->group);
    device_queue_destroy(device, w->site.lane.queue);
}
