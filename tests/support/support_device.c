#include "support.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "device/open.h"
#include "odeon/plugin.h"
#include "option/schema.h"
#include "option/schema_parse.h"
#include "plugin/component.h"
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

void support_force_simd(odeon_config *device)
{
    const char *simd = getenv("ODEON_TEST_SIMD");
    location where = {.file = "ODEON_TEST_SIMD", .line = 0};
    if (simd == NULL || device == NULL || strcmp(device->component->id, "cpu") != 0) {
        return;
    }
    for (size_t i = 0; i < device->n; i++) {
        const odeon_option *option = device->component->options[i];
        option_value *value = &device->values[i];
        if (strcmp(option->name, "simd") == 0 && !value->given) {
            schema_value_clear(value);
            require(schema_parse(NULL, option, simd, where, "run", ODEON_BUILD, value), simd);
        }
    }
}

support_device support_device_open(registry *r, const char *id, uint32_t dtype)
{
    support_device d = {.dtype = dtype};
    location where = {.file = "test", .line = 0};
    diag_clear();
    require(component_read(r, ODEON_KIND_DEVICE, id, where, "run", ODEON_BUILD, 0, NULL, &d.config),
            id);
    support_force_simd(d.config);
    d.opened = mem_zalloc(1, sizeof *d.opened);
    assert_non_null(d.opened);
    d.device = &d.opened->device;
    require(device_open(r, d.config, "device", d.opened), id);
    require(d.device->ops->probe(d.device->self), id);
    require(device_queue_create(d.device, 0, &d.queue), id);
    return d;
}

void support_device_close(support_device *d)
{
    device_queue_destroy(d->device, d->queue);
    device_close(d->opened);
    mem_free(d->opened);
    schema_destroy(d->config);
    memset(d, 0, sizeof *d);
}

static void from_double(uint32_t dtype, void *to, int64_t i, double value)
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

static double to_double(uint32_t dtype, const void *from, int64_t i)
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

odeon_tensor support_upload_as(support_device *d, uint32_t dtype, const double *values,
                               int32_t ndim, const int64_t *dim)
{
    odeon_shape shape = {.ndim = ndim, .dtype = dtype};
    memcpy(shape.dim, dim, (size_t)ndim * sizeof *dim);
    int64_t n = odeon_count(&shape), bytes = odeon_bytes(&shape);
    void *memory = NULL;
    require(d->device->ops->alloc(d->device->handle, (uint64_t)bytes, &memory), "alloc");
    if (values != NULL) {
        void *copy = host_copy(bytes);
        for (int64_t i = 0; i < n; i++) {
            from_double(dtype, copy, i, values[i]);
        }
        require(d->device->ops->upload(d->queue, memory, copy, (uint64_t)bytes), "upload");
        mem_free(copy);
    }
    return odeon_tensor_at(memory, shape);
}

odeon_tensor support_upload(support_device *d, const double *values, int32_t ndim,
                            const int64_t *dim)
{
    return support_upload_as(d, d->dtype, values, ndim, dim);
}

double *support_download(support_device *d, const odeon_view *x)
{
    int64_t n = odeon_count(&x->shape), bytes = odeon_bytes(&x->shape);
    void *copy = host_copy(bytes);
    double *values = host_copy(n * (int64_t)sizeof *values);
    require(d->device->ops->download(d->queue, copy, odeon_read(x), (uint64_t)bytes), "download");
    for (int64_t i = 0; i < n; i++) {
        values[i] = to_double(x->shape.dtype, copy, i);
    }
    mem_free(copy);
    return values;
}

void support_release(support_device *d, odeon_tensor *x)
{
    d->device->ops->free(d->device->handle, odeon_write(x));
    x->view.data = NULL;
}
