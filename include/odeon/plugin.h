/* plugin.h: the root of a plugin, and a component in it.
 *
 * A plugin is one shared object that exports one const data symbol, odeon_plugin_v1. The host
 * finds it by name: component ID of kind KIND is looked for in KIND/ID.so under the plugin path,
 * folder by folder; the first that has it counts. Of a component that ships with the program a file
 * from elsewhere is refused unless [plugins] replace names KIND/ID; two files of one folder that
 * claim one component are refused. The note names every component that the file holds.
 *
 * Life of a plugin:     loaded -> init -> (components are used) -> shutdown; never unloaded.
 * Life of an instance:  create -> calls of its kind -> destroy.
 * Draft. */
#ifndef ODEON_PLUGIN_H
#define ODEON_PLUGIN_H
#include "odeon/abi.h"
#include "odeon/host.h"
#include "odeon/option.h"
#include "odeon/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* X(NAME, value, folder and INI key, type of ops, header) */
#define ODEON_KIND_LIST(X)                                                                         \
    X(DEVICE, 1, "device", odeon_device_ops, "device.h")                                           \
    X(DATASET, 2, "dataset", odeon_dataset_ops, "dataset.h")                                       \
    X(LAYER, 3, "layer", odeon_layer_ops, "layer.h")                                               \
    X(INTEGRATOR, 4, "integrator", odeon_integrator, "integrator.h")                               \
    X(GRADIENT, 5, "gradient", odeon_gradient_ops, "gradient.h")                                   \
    X(OPTIMIZER, 6, "optimizer", odeon_optimizer_ops, "optimizer.h")                               \
    X(LOSS, 7, "loss", odeon_loss_ops, "loss.h")                                                   \
    X(SCHEDULE, 8, "schedule", odeon_schedule_ops, "schedule.h")

#define ODEON_KIND_ENTRY(name, value, text, type, header) ODEON_KIND_##name = value,
enum { ODEON_KIND_LIST(ODEON_KIND_ENTRY) ODEON_KIND_COUNT = 8 };
#undef ODEON_KIND_ENTRY

/* One implementation of one kind. Static data of the plugin, never written.
 * id, of letters, digits and underscores, starts with a letter and is unique within its kind. That
 * of a layer's kernel for one device is ID@DEVICE, of two such ids; see layer.h. */
typedef struct odeon_component {
    uint32_t struct_size;
    int32_t kind;
    uint32_t kind_version; /* ODEON_LAYOUT_KIND while the kind is a draft */
    uint32_t reserved0;
    const char *id;
    const char *summary;                /* one line, no full stop */
    const char *version;                /* of this component, "1.0" */
    const char *license;                /* SPDX, "MIT" */
    const char *source;                 /* paper and equation, or NULL */
    const odeon_option *const *options; /* ends with NULL; NULL: none */
    const void *ops;                    /* the kind's table; starts with struct_size */

    /* Makes an instance from its options and stores it in *out; NULL on failure. Allocates from
     * host, which with config outlives the instance. Both slots may be NULL where the kind's ops
     * need no instance; they are then given NULL as self. [main], [worker] */
    odeon_status (*create)(const odeon_host *host, const odeon_config *config, void **out);
    void (*destroy)(void *self); /* takes NULL */
    /* What others call it, "rk45|ode45", in letters, digits and underscores; NULL: nothing. Whoever
     * types one is shown the id; capitals and underscores make no difference there. */
    const char *aliases;
} odeon_component;

typedef struct odeon_plugin {
    uint32_t magic; /* ODEON_MAGIC */
    uint32_t struct_size;
    uint32_t abi_major, abi_minor; /* of the headers it was built with */
    uint32_t host_minor_required;  /* the least minor of a host that it can live with */
    uint32_t reserved0;
    const char *name;
    const char *version;
    const char *vendor;
    /* Once after loading, before any create: cheap, no files, no device. NULL: nothing to do. */
    odeon_status (*init)(const odeon_host *host); /* [main] */
    /* Once at the end, after the last destroy; joins what threads there are. NULL: nothing. */
    void (*shutdown)(void);                   /* [main] */
    const odeon_component *const *components; /* ends with NULL */
    const char *layouts;                      /* ODEON_LAYOUTS, as in the note */
} odeon_plugin;

ODEON_EXPORT const odeon_plugin odeon_plugin_v1;
#define ODEON_PLUGIN_SYMBOL "odeon_plugin_v1"

#ifdef __cplusplus
}
#endif
#endif
