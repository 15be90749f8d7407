#include "small_net.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "config/config_load.h"
#include "device/worker_group.h"

static void require(odeon_status status)
{
    if (status != ODEON_OK) {
        fail_msg("status %d: %s", (int)status, diag_message());
    }
}

/* A model alone, which a configuration may be. */
static config *read_model(registry *r, const char *text)
{
    char path[] = "/tmp/odeon_net_XXXXXX";
    char *whole = mem_printf("[run]\nname = t\ndevice = reference\ndtype = float64\n%s", text);
    config *c = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, whole, strlen(whole)) == (ssize_t)strlen(whole));
    (void)close(fd);
    odeon_status status = config_load(r, path, 0, NULL, &c);
    (void)unlink(path);
    mem_free(whole);
    require(status);
    return c;
}

static void start_device(small_net *s)
{
    require(device_open(s->registry, s->config->device, "device", &s->opened));
    s->device = &s->opened.device;
    require(s->device->ops->probe(s->device->self));
    require(collective_create(1, &s->workers));
    worker_group_init(&s->group, s->workers, s->device, 0, 1);
    s->site =
        (net_site){.lane = {.device = s->device, .group = &s->group, .dtype = ODEON_DTYPE_F64},
                   .params = &s->params,
                   .first = true,
                   .classes = SMALL_NET_CLASSES,
                   .seed = 1};
    require(device_queue_create(s->device, 0, &s->site.lane.queue));
    s->fields.deviant = -1;
    s->call = (odeon_layer_call){.struct_size = sizeof s->call,
                                 .flags = ODEON_CALL_TRAIN,
                                 .device = s->device,
                                 .queue = s->site.lane.queue,
                                 .group = &s->group.abi,
                                 .batch_field = batch_field,
                                 .host = &s->fields};
}

small_net *small_net_try_with(const char *text, int32_t ndim, const int64_t *dims,
                              void (*change)(net_site *), odeon_status *status)
{
    small_net *s = mem_zalloc(1, sizeof *s);
    odeon_shape in = {.ndim = ndim + 1, .dtype = ODEON_DTYPE_F64, .dim = {1}};
    assert_non_null(s);
    diag_clear();
    memcpy(in.dim + 1, dims, (size_t)ndim * sizeof *dims);
    s->registry = support_registry();
    s->config = read_model(s->registry, text);
    start_device(s);
    if (change != NULL) {
        change(&s->site);
    }
    *status = net_create(&s->site, &(net_scope){.path = ""}, s->config->n_nodes, s->config->nodes,
                         &in, &s->net);
    return s;
}

small_net *small_net_try(const char *text, int32_t ndim, const int64_t *dims, odeon_status *status)
{
    return small_net_try_with(text, ndim, dims, NULL, status);
}

void small_net_bind(small_net *s)
{
    s->values = mem_zalloc((size_t)s->params.trainable + 8, sizeof(double));
    s->grads = mem_zalloc((size_t)s->params.trainable + 8, sizeof(double));
    s->states = mem_zalloc((size_t)s->params.state + 8, sizeof(double));
    s->site.values = (char *)s->values;
    s->site.grads = (char *)s->grads;
    s->site.states = (char *)s->states;
    net_bind(s->net);
}

small_net *small_net_open(const char *text, int32_t ndim, const int64_t *dims)
{
    odeon_status status;
    small_net *s = small_net_try(text, ndim, dims, &status);
    require(status);
    small_net_bind(s);
    return s;
}

void small_net_close(small_net *s)
{
    net_destroy(s->net);
    net_site_fini(&s->site);
    params_fini(&s->params);
    buffer_release(s->device, &s->frame);
    device_queue_destroy(s->device, s->site.lane.queue);
    device_close(&s->opened);
    collective_destroy(s->workers);
    config_destroy(s->config);
    registry_destroy(s->registry);
    mem_free(s->values);
    mem_free(s->grads);
    mem_free(s->states);
    mem_free(s);
}

static const param *find(const small_net *s, const char *path)
{
    size_t i = params_find(&s->params, path);
    if (i == s->params.n) {
        fail_msg("no parameter %s", path);
    }
    return &s->params.list[i];
}

double *small_net_values(small_net *s, const char *path)
{
    return s->values + find(s, path)->offset;
}

double *small_net_grads(small_net *s, const char *path)
{
    return s->grads + find(s, path)->offset;
}

static const net_plan *plan_for(small_net *s, int64_t n)
{
    const net_plan *plan;
    require(net_plan_for(s->net, n, s->call.flags, &plan));
    require(buffer_fit(s->device, &s->frame, plan->frame_bytes));
    s->call.n_global = n;
    return plan;
}

void small_net_forward(small_net *s, int64_t n, const double *in, double *out)
{
    const net_plan *plan = plan_for(s, n);
    require(net_forward(plan, &s->call, in, out, s->frame.data));
    require(s->device->ops->wait(s->site.lane.queue));
}

void small_net_vjp(small_net *s, int64_t n, const double *d_out, double *d_in)
{
    const net_plan *plan = plan_for(s, n);
    require(net_vjp(plan, &s->call, s->frame.data, d_out, d_in, NULL));
    require(net_finish(s->net, &s->call));
    require(s->device->ops->wait(s->site.lane.queue));
}
