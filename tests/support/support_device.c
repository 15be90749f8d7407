#include "support.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "option/schema.h"
#include "plugin/component.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

static void require(odeon_status status, const char *what)
{
    if (status != ODEON_OK) {
        fail_msg("%s: %s: %s", what, status_text(status), diag_message());
    }
}

const char *support_device_name(const char *named)
{
    const char *other = getenv("ODEON_TEST_DEVICE");
    bool stays = named != NULL && strstr(named, "loops=no") != NULL;
    return other != NULL && !stays ? other : named;
}

support_device support_device_open(registry *r, const char *id, int32_t dtype)
{
    support_device d = {.dtype = dtype};
    odeon_config *config = NULL;
    location where = {.file = "test", .line = 0};
    diag_clear();
    require(component_read(r, ODEON_KIND_DEVICE, id, where, "run", ODEON_BUILD, 0, NULL, &config),
            id);
    require(instance_take(config, "device", &d.instance), id);
    d.device = (odeon_device){.struct_size = sizeof d.device,
                              .self = d.instance->self,
                              .ops = d.instance->component->ops};
    require(d.device.ops->probe(d.device.self), id);
    require(d.device.ops->queue_create(d.device.self, 0, &d.queue), id);
    return d;
}

void support_device_close(support_device *d)
{
    d->device.ops->queue_destroy(d->queue);
    instance_destroy(d->instance);
    memset(d, 0, sizeof *d);
}

static void from_double(int32_t dtype, void *to, int64_t i, double value)
{
    switch (dtype) {
    case ODEON_DTYPE_F32:
        ((float *)to)[i] = (float)value;
        break;
    case ODEON_DTYPE_F64:
        ((double *)to)[i] = value;
        break;
    case ODEON_DTYPE_U8:
        ((uint8_t *)to)[i] = (uint8_t)value;
        break;
    default:
        ((int64_t *)to)[i] = (int64_t)value;
        break;
    }
}

static double to_double(int32_t dtype, const void *from, int64_t i)
{
    switch (dtype) {
    case ODEON_DTYPE_F32:
        return (double)((const float *)from)[i];
    case ODEON_DTYPE_F64:
        return ((const double *)from)[i];
    case ODEON_DTYPE_U8:
        return (double)((const uint8_t *)from)[i];
    default:
        return (double)((const int64_t *)from)[i];
    }
}

static void *host_copy(int64_t bytes)
{
    void *copy = mem_alloc((size_t)bytes);
    if (copy == NULL) {
        fail_msg("no memory for %lld bytes", (long long)bytes);
    }
    return copy;
}

odeon_tensor support_upload_as(support_device *d, int32_t dtype, const double *values, int32_t ndim,
                               const int64_t *dim)
{
    odeon_tensor x = {.ndim = ndim, .dtype = dtype};
    memcpy(x.dim, dim, (size_t)ndim * sizeof *dim);
    int64_t n = odeon_count(&x), bytes = n * odeon_dtype_bytes(dtype);
    require(d->device.ops->alloc(d->device.self, (uint64_t)bytes, &x.data), "alloc");
    if (values != NULL) {
        void *copy = host_copy(bytes);
        for (int64_t i = 0; i < n; i++) {
            from_double(dtype, copy, i, values[i]);
        }
        require(d->device.ops->upload(d->queue, x.data, copy, (uint64_t)bytes), "upload");
        mem_free(copy);
    }
    return x;
}

odeon_tensor support_upload(support_device *d, const double *values, int32_t ndim,
                            const int64_t *dim)
{
    return support_upload_as(d, d->dtype, values, ndim, dim);
}

double *support_download(support_device *d, const odeon_tensor *x)
{
    int64_t n = odeon_count(x), bytes = n * odeon_dtype_bytes(x->dtype);
    void *copy = host_copy(bytes);
    double *values = host_copy(n * (int64_t)sizeof *values);
    require(d->device.ops->download(d->queue, copy, x->data, (uint64_t)bytes), "download");
    for (int64_t i = 0; i < n; i++) {
        values[i] = to_double(x->dtype, copy, i);
    }
    mem_free(copy);
    return values;
}

void support_release(support_device *d, odeon_tensor *x)
{
    d->device.ops->free(d->device.self, x->data);
    x->data = NULL;
}
