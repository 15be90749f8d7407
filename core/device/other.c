#include "device/other.h"

#include <assert.h>
#include <stddef.h>

#include "base/diag.h"
#include "base/mem.h"
#include "device/open.h"
#include "plugin/component.h"
#include "plugin/instance.h"

/* What a plugin is given comes first, and leads back to the rest. */
typedef struct other {
    odeon_other given;
    instance *instance;
} other;

typedef struct other_device {
    open_device opened; /* its device comes first */
    odeon_config *config;
} other_device;

static_assert(offsetof(other, given) == 0, "an odeon_other is cast back to what holds it");
static_assert(offsetof(other_device, opened) == 0 && offsetof(open_device, device) == 0,
              "a device is cast back to what holds it");

static odeon_status no_memory(const instance *owner, const char *id)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for %s", owner->path, id);
}

/* ---- components ---- */

static odeon_status make(const odeon_host *host, const odeon_config *config,
                         const odeon_other **out)
{
    const instance *owner = host->self;
    *out = NULL;
    other *x = mem_zalloc(1, sizeof *x);
    if (x == NULL) {
        return no_memory(owner, config->component->id);
    }
    odeon_status status = instance_create(config, owner->path, &x->instance);
    if (status != ODEON_OK) {
        mem_free(x);
        return status;
    }
    x->given = (odeon_other){.struct_size = sizeof x->given,
                             .interface = config->component->interface,
                             .id = config->component->id,
                             .ops = config->component->ops,
                             .self = x->instance->self};
    *out = &x->given;
    return ODEON_OK;
}

static void destroy(const odeon_host *host, const odeon_other *given)
{
    (void)host;
    if (given != NULL) {
        other *x = (other *)(uintptr_t)given; /* it was made here, not const */
        instance_destroy(x->instance);
        mem_free(x);
    }
}

/* ---- devices ---- */

static void close_device(other_device *x)
{
    device_close(&x->opened);
    schema_destroy(x->config);
    mem_free(x);
}

/* The registry is the one that the owner's configuration was read by. */
static odeon_status open_device_of(const instance *owner, const char *id, other_device *x)
{
    registry *r = owner->config != NULL ? owner->config->registry : NULL;
    if (r == NULL) {
        return diag_fail(ODEON_ERR_UNSUPPORTED, "%s: no device can be asked for here", owner->path);
    }
    ODEON_TRY(component_read(r, ODEON_KIND_DEVICE, id, (location){0}, owner->path, NULL, 0, NULL,
                             &x->config));
    return device_open(r, x->config, owner->path, &x->opened);
}

static odeon_status give_device(const odeon_host *host, const char *id,
                                const struct odeon_device **out)
{
    const instance *owner = host->self;
    *out = NULL;
    other_device *x = mem_zalloc(1, sizeof *x);
    if (x == NULL) {
        return no_memory(owner, id);
    }
    odeon_status status = open_device_of(owner, id, x);
    if (status != ODEON_OK) {
        close_device(x);
        return status;
    }
    *out = &x->opened.device;
    return ODEON_OK;
}

static void take_device(const odeon_host *host, const struct odeon_device *device)
{
    (void)host;
    if (device != NULL) {
        close_device((other_device *)(uintptr_t)device);
    }
}

const odeon_host_component other_services = {.struct_size = sizeof(odeon_host_component),
                                             .make = make,
                                             .destroy = destroy,
                                             .device_open = give_device,
                                             .device_close = take_device};
