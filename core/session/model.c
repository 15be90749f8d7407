/* What all workers share, in the order in which it comes to be: kernels and device, then the
 * parameters' list as the first worker's network declares it, then device memory for values and
 * moments, whose size only that list tells. */
#include "session/model.h"

#include <stdio.h>

#include "base/diag.h"
#include "base/mem.h"
#include "device/extensions.h"
#include "odeon/device_ext.h"
#include "odeon/device_move.h"
#include "plugin/calling.h"

static odeon_status open_run_device(model *m, registry *r)
{
    ODEON_TRY(device_open(r, m->config->device, "run.device", &m->opened));
    m->device = &m->opened.device;
    calling outer = calling_begin(m->opened.instance, "probe");
    ODEON_TRY(calling_end(outer, m->device->ops->probe(m->device->self)));
    m->device_is_apart = m->device->get_table(m->device, ODEON_DEVICE_MEMORY) != NULL;
    return ODEON_OK;
}

/* A path of a failure is that of the section. */
static odeon_status open_schedules(model *m)
{
    const config *c = m->config;
    ODEON_TRY(c->schedule != NULL ? instance_create(c->schedule, "train.schedule", &m->schedules[0])
                                  : ODEON_OK);
    for (size_t i = 0; i < c->n_phases; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "train.%.100s.schedule", c->phases[i].name);
        ODEON_TRY(c->phases[i].schedule != NULL
                      ? instance_create(c->phases[i].schedule, path, &m->schedules[i + 1])
                      : ODEON_OK);
    }
    m->schedule = m->schedules[0];
    return ODEON_OK;
}

/* The kernels come first, since they are looked up by the device's id alone and no device is
 * opened for nothing where that fails. */
odeon_status model_open(model *m, registry *r, const config *c, const data_fields *fields)
{
    m->config = c;
    m->fields = *fields;
    m->figures = registry_figures(r);
    if (c->kernels) {
        ODEON_TRY(kernels_create(r, c->device->component->id, &m->kernels));
    }
    ODEON_TRY(open_run_device(m, r));
    return open_schedules(m);
}

/* In the opposite order: memory of the device before the device, and instances before the list of
 * kernels that they were chosen from. */
void model_fini(model *m)
{
    buffer_release(m->device, &m->values);
    for (int32_t i = 0; i <= ODEON_MAX_MOMENTS; i++) { /* a phase may have had more than this one */
        buffer_release(m->device, &m->moments[i]);
    }
    for (int32_t i = 0; i < ODEON_MAX_VECTORS; i++) {
        buffer_release(m->device, &m->work[i]);
    }
    buffer_release(m->device, &m->slots);
    for (size_t i = 0; i < MODEL_MAX_LOSSES; i++) {
        mem_free(m->loss_names[i]);
    }
    params_fini(&m->params);
    params_fini(&m->data_params);
    for (size_t i = 0; i < MODEL_MAX_PHASES; i++) {
        instance_destroy(m->schedules[i]);
    }
    device_close(&m->opened);
    kernels_destroy(m->kernels);
    mem_free(m->device_text);
    mem_free(m->lr_factors);
    mem_free(m->fitted);
}

odeon_status model_describe_device(model *m)
{
    char text[256] = "";
    ODEON_TRY(extensions_check(m->opened.instance));
    if (m->opened.base != NULL) {
        ODEON_TRY(extensions_check(m->opened.base->instance));
    }
    calling outer = calling_begin(m->opened.instance, "describe");
    ODEON_TRY(calling_end(outer, m->device->ops->describe(m->device->self, text, sizeof text)));
    m->device_text = mem_printf("%s: %s", m->opened.instance->component->id, text);
    return m->device_text != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "run.device: no memory");
}

/* A view without memory of its own: the parameters of one worker's share, or one parameter, are
 * handed to the device's operators in this form. */
odeon_tensor model_flat(const model *m, char *data, int64_t offset, int64_t count)
{
    uint32_t dtype = m->config->dtype;
    return odeon_tensor_at(data + offset * odeon_dtype_bytes(dtype),
                           (odeon_shape){.ndim = 1, .dtype = dtype, .dim = {count}});
}

/* One element more than asked for, so that an empty vector has an address too. */
odeon_status model_fit_zero(const model *m, odeon_queue *queue, device_buffer *vector,
                            int64_t count)
{
    ODEON_TRY(buffer_fit(m->device, vector, (count + 1) * odeon_dtype_bytes(m->config->dtype)));
    odeon_tensor all = model_flat(m, vector->data, 0, count);
    return ODEON_DO(m->device, move, fill, queue, .y = &all, .value = odeon_imm(0.0));
}

/* Waits after each vector, so that a failure of its clearing is reported before the next one is
 * asked for. */
odeon_status model_allocate(model *m, odeon_queue *queue)
{
    ODEON_TRY(model_fit_zero(m, queue, &m->values, m->params.trainable));
    ODEON_TRY(m->device->ops->wait(queue));
    for (int32_t i = 0; i < m->n_moments; i++) {
        ODEON_TRY(model_fit_zero(m, queue, &m->moments[i], m->params.trainable));
        ODEON_TRY(m->device->ops->wait(queue));
    }
    return ODEON_OK;
}
