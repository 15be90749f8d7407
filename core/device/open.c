#include "device/open.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "device/families.h"
#include "odeon/odeon.h"
#include "plugin/calling.h"
#include "plugin/component.h"

/* ---- tables ---- */

static const void *own_table(const void *device, const char *id)
{
    const open_device *d = device;
    return d->ops.get_table(d->device.self, id);
}

/* Extensions act on memory and queues, so that the base's are asked only where those are its. */
static const void *get_table(const odeon_device *device, const char *id)
{
    const open_device *d = (const open_device *)device;
    const void *own = own_table(d, id);
    return own != NULL || !d->shares_memory ? own : own_table(d->base, id);
}

/* ---- memory and queues: a device's own, or its base's ---- */

/* How many of the eight slots are there; as one they are a device's own or its base's. */
static int32_t memory_slots(const odeon_device_ops *ops)
{
    return (ops->queue_create != NULL) + (ops->queue_destroy != NULL) + (ops->alloc != NULL) +
           (ops->free != NULL) + (ops->upload != NULL) + (ops->download != NULL) +
           (ops->wait != NULL) + (ops->slots_read != NULL);
}

static void take_memory(open_device *d)
{
    const odeon_device_ops *from = &d->base->ops;
    d->ops.queue_create = from->queue_create;
    d->ops.queue_destroy = from->queue_destroy;
    d->ops.alloc = from->alloc;
    d->ops.free = from->free;
    d->ops.upload = from->upload;
    d->ops.download = from->download;
    d->ops.wait = from->wait;
    d->ops.slots_read = from->slots_read;
    d->shares_memory = true;
    d->device.handle = d->base->device.handle;
    d->device.device_type = d->base->device.device_type;
}

static odeon_status complete_memory(open_device *d)
{
    int32_t there = memory_slots(&d->ops);
    if (there == 8) {
        return ODEON_OK;
    }
    if (there == 0 && d->base != NULL) {
        take_memory(d);
        return ODEON_OK;
    }
    return diag_fail(ODEON_ERR_PLUGIN,
                     "device %s: %d of the eight slots for memory and queues are there, expected "
                     "all%s",
                     d->device.id, (int)there, d->base != NULL ? ", or none" : "");
}

/* ---- families ---- */

/* The base's operators follow the handles of its own queues, so that they serve a device only with
 * those. */
static odeon_status find_families(open_device *d)
{
    ODEON_TRY(
        families_resolve(&d->device, own_table, d, d->shares_memory ? own_table : NULL, d->base));
    const char *missing = families_missing(&d->device);
    if (missing == NULL || d->base == NULL || d->shares_memory) {
        return ODEON_OK;
    }
    return diag_fail(ODEON_ERR_PLUGIN,
                     "device %s: memory and queues are its own, so that family %s cannot be that "
                     "of its base, %s",
                     d->device.id, missing, d->base->device.id);
}

/* ---- opening ---- */

static odeon_status open_one(registry *r, const odeon_config *config, const char *path,
                             bool with_base, open_device *out);

/* The user has named the device and not its base. */
static odeon_status with_device(const open_device *d, odeon_status status)
{
    diag_reason reason = diag_take();
    return diag_fail(status, "device %s: its base: %s", d->device.id, reason.text);
}

static odeon_status open_base(registry *r, open_device *d, const char *path, const char *id)
{
    odeon_status status = component_read(r, ODEON_KIND_DEVICE, id, (location){0}, NULL, NULL, 0,
                                         NULL, &d->base_config);
    if (status != ODEON_OK) {
        return with_device(d, status);
    }
    d->base = mem_zalloc(1, sizeof *d->base);
    if (d->base == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "device %s: no memory for its base", d->device.id);
    }
    ODEON_TRY(open_one(r, d->base_config, path, false, d->base));
    if (!ODEON_HAS(&d->ops, odeon_device_ops, attach)) {
        return ODEON_OK;
    }
    calling outer = calling_begin(d->instance, "attach");
    return calling_end(outer, d->ops.attach(d->device.self, &d->base->device));
}

/* Asked of a device, never of a base: one level is what queues and handles can tell apart. */
static odeon_status find_base(registry *r, open_device *d, const char *path, bool with_base)
{
    const char *id =
        ODEON_HAS(&d->ops, odeon_device_ops, base) ? d->ops.base(d->device.self) : NULL;
    if (id == NULL) {
        return ODEON_OK;
    }
    if (!with_base) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "device %s: it has a base itself (%s), so that it can be none",
                         d->device.id, id);
    }
    return open_base(r, d, path, id);
}

static odeon_status open_one(registry *r, const odeon_config *config, const char *path,
                             bool with_base, open_device *out)
{
    ODEON_TRY(instance_create(config, path, &out->instance));
    const odeon_device_ops *ops = out->instance->component->ops;
    memcpy(&out->ops, ops, ops->struct_size < sizeof *ops ? ops->struct_size : sizeof *ops);
    out->device = (odeon_device){.struct_size = sizeof out->device,
                                 .device_type = out->ops.device_type,
                                 .id = out->instance->component->id,
                                 .handle = out->instance->self,
                                 .self = out->instance->self,
                                 .ops = &out->ops,
                                 .get_table = get_table};
    ODEON_TRY(find_base(r, out, path, with_base));
    ODEON_TRY(complete_memory(out));
    return find_families(out);
}

odeon_status device_open(registry *r, const odeon_config *config, const char *path,
                         open_device *out)
{
    return open_one(r, config, path, true, out);
}

/* The device goes before the base whose tables it may have copied. */
void device_close(open_device *d)
{
    instance_destroy(d->instance);
    if (d->base != NULL) {
        device_close(d->base);
        mem_free(d->base);
    }
    schema_destroy(d->base_config);
    *d = (open_device){.base = NULL};
}

/* ---- queues ---- */

odeon_status device_queue_create(const odeon_device *device, int32_t worker, odeon_queue **out)
{
    *out = NULL;
    odeon_queue *queue = mem_zalloc(1, sizeof *queue);
    if (queue == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "run.device: no memory for a queue");
    }
    queue->self = device->self;
    odeon_status status = device->ops->queue_create(device->handle, worker, &queue->handle);
    if (status != ODEON_OK) {
        mem_free(queue);
        return status;
    }
    *out = queue;
    return ODEON_OK;
}

void device_queue_destroy(const odeon_device *device, odeon_queue *queue)
{
    if (queue != NULL) {
        device->ops->queue_destroy(device->handle, queue->handle);
        mem_free(queue);
    }
}
