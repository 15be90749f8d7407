/* component.h: a component within another, and a device by name.
 *
 *   const odeon_host_component *components =
 *       self->host->get_extension(self->host, ODEON_HOST_COMPONENT);
 * Draft.
 *
 * Example: of an option ODEON_OPTION(wrap, layer, COMPONENT, .choices = "layer", ...)
 *   in init   ODEON_TRY(components->make(self->host, self->layer, &self->inner));
 *   later     const odeon_layer_ops *ops = self->inner->ops;
 *             return ops->forward(self->inner->self, call);
 *   in fini   components->destroy(self->host, self->inner); */
#ifndef ODEON_COMPONENT_H
#define ODEON_COMPONENT_H
#include "odeon/abi.h"
#include "odeon/host.h"
#include "odeon/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ODEON_HOST_COMPONENT "odeon.host.component/1"

struct odeon_device; /* device.h */

/* Growing. Another component as a live instance. */
typedef struct odeon_other {
    uint32_t struct_size;
    uint32_t interface; /* ODEON_INTERFACE_* (plugin.h): the type of ops */
    const char *id;     /* "tanh" */
    const void *ops;    /* the interface's table */
    void *self;         /* first argument of its slots */
} odeon_other;

/* Growing. A table of the host's. */
typedef struct odeon_host_component {
    uint32_t struct_size, reserved0;
    /* Makes an instance of what an option of type COMPONENT names. It is this instance's, which
     * gives it back by destroy at the latest in its own fini, and calls its slots by the rules of
     * its kind. Messages of both bear the same path. *out is NULL on failure, which is that of the
     * other's init, or ODEON_ERR_NOMEM. [main; build], [worker; build] */
    odeon_status (*make)(const odeon_host *host, const odeon_config *config,
                         const odeon_other **out);
    /* Takes NULL. [main; build], [worker; build] */
    void (*destroy)(const odeon_host *host, const odeon_other *other);
    /* A device by id with its default options, apart from the run's own even if that has the same
     * id; its base, where it has one, stands behind it already. Given back by device_close once all
     * its queues and memory are gone. *out is NULL on failure: ODEON_ERR_CONFIG if there is none of
     * that id, ODEON_ERR_PLUGIN, ODEON_ERR_DEVICE. [main; build] */
    odeon_status (*device_open)(const odeon_host *host, const char *id,
                                const struct odeon_device **out);
    /* Takes NULL. [main; build] */
    void (*device_close)(const odeon_host *host, const struct odeon_device *device);
} odeon_host_component;

#ifdef __cplusplus
}
#endif
#endif
