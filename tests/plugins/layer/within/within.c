/* within: another layer as it is, named by an option, with figures of what it was given. For tests
 * of the services by which a component makes another, opens a device, tells figures and asks
 * whether the user wants to stop.
 *
 * device: opened at the start, to see that a number comes back from it. wait: forward goes on until
 * the user interrupts. */
#include <string.h>

#include "odeon/component.h"
#include "odeon/device.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"
#include "odeon/run.h"

typedef struct within {
    ODEON_INSTANCE;
    const odeon_config *layer;
    const char *device;
    int64_t wait;
    const odeon_host_run *run;
    const odeon_host_component *components;
    const odeon_other *inner;
    int32_t forwards, mean, most, least;
} within;

static const odeon_option *const options[] = {
    ODEON_OPTION(within, layer, COMPONENT, .default_text = "tanh", .choices = "layer",
                 .help = "the layer within, which has no parameters"),
    ODEON_OPTION(within, device, STRING, .flags = ODEON_OPTION_OPTIONAL,
                 .help = "a device to open"),
    ODEON_OPTION(within, wait, FLAG, .default_text = "no",
                 .help = "go on until the user interrupts"),
    NULL};

/* ---- services ---- */

/* A number goes to the device and comes back. */
static odeon_status round_trip(const within *w, const odeon_device *device)
{
    const double sent = 0.1;
    double back = 0.0;
    void *queue = NULL, *memory = NULL;
    ODEON_TRY(device->ops->queue_create(device->handle, 0, &queue));
    odeon_queue both = {queue, device->self};
    odeon_status status = device->ops->alloc(device->handle, sizeof sent, &memory);
    if (status == ODEON_OK) {
        status = device->ops->upload(&both, memory, &sent, sizeof sent);
    }
    if (status == ODEON_OK) {
        status = device->ops->download(&both, &back, memory, sizeof back);
    }
    device->ops->free(device->handle, memory);
    device->ops->queue_destroy(device->handle, queue);
    if (status == ODEON_OK && memcmp(&sent, &back, sizeof sent) != 0) {
        return odeon_fail(w->host, ODEON_ERR_DEVICE, "within: another number came back");
    }
    return status;
}

static odeon_status try_device(const within *w)
{
    const odeon_device *device = NULL;
    ODEON_TRY(w->components->device_open(w->host, w->device, &device));
    odeon_status status = round_trip(w, device);
    w->components->device_close(w->host, device);
    return status;
}

static odeon_status declare_all(within *w)
{
    ODEON_TRY(w->run->declare(w->host, "forwards", ODEON_FIGURE_SUM, &w->forwards));
    ODEON_TRY(w->run->declare(w->host, "mean_samples", ODEON_FIGURE_MEAN, &w->mean));
    ODEON_TRY(w->run->declare(w->host, "most_samples", ODEON_FIGURE_MAX, &w->most));
    return w->run->declare(w->host, "least_samples", ODEON_FIGURE_MIN, &w->least);
}

static odeon_status init(void *self)
{
    within *w = self;
    w->run = w->host->get_extension(w->host, ODEON_HOST_RUN);
    w->components = w->host->get_extension(w->host, ODEON_HOST_COMPONENT);
    if (w->run == NULL || w->components == NULL) {
        return odeon_fail(w->host, ODEON_ERR_UNSUPPORTED, "within: the host has no such services");
    }
    ODEON_TRY(w->device != NULL ? try_device(w) : ODEON_OK);
    ODEON_TRY(declare_all(w));
    return w->components->make(w->host, w->layer, &w->inner);
}

static void fini(void *self)
{
    within *w = self;
    if (w->components != NULL) {
        w->components->destroy(w->host, w->inner);
    }
}

/* ---- the layer ---- */

static const odeon_layer_ops *ops_of(const within *w)
{
    return w->inner->ops;
}

/* POINTWISE would let the host call an operator in the layer's place. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const within *w = self;
    if (ops_of(w)->param != NULL) {
        return odeon_fail(w->host, ODEON_ERR_CONFIG, "within: %s has parameters", w->inner->id);
    }
    ODEON_TRY(ops_of(w)->plan(w->inner->self, plan));
    plan->flags &= ~(uint32_t)ODEON_LAYER_POINTWISE;
    return ODEON_OK;
}

static odeon_status await_user(const within *w)
{
    while (!w->run->cancelled(w->host)) {
    }
    return ODEON_ERR_CANCELLED;
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const within *w = self;
    double samples = (double)call->in->shape.dim[0];
    w->run->count(w->host, w->forwards, 1);
    w->run->metric(w->host, w->mean, samples);
    w->run->metric(w->host, w->most, samples);
    w->run->metric(w->host, w->least, samples);
    ODEON_TRY(w->wait != 0 ? await_user(w) : ODEON_OK);
    return ops_of(w)->forward(w->inner->self, call);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const within *w = self;
    return ops_of(w)->vjp(w->inner->self, call);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "within", &ops, "another layer as it is, with figures", NULL, NULL,
                     within, options, init, fini);
