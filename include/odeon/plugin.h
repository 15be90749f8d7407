/* plugin.h: the root of a plugin, and a component in it.
 *
 * A plugin is one shared object that exports one const data symbol, odeon_plugin_v1. The host
 * finds it by name: component ID of kind KIND is looked for in KIND/ID.so under the plugin path,
 * folder by folder; the first that has it counts. Of a component that ships with the program a file
 * from elsewhere is refused unless [plugins] replace names KIND/ID; two files of one folder that
 * claim one component are refused. The note names every component that the file holds.
 *
 * Life of a plugin:     loaded -> init -> (components are used) -> shutdown; never unloaded.
 * Life of an instance:  memory and options by the host -> init -> calls of its kind -> fini.
 *
 * Frozen at 1.0. */
#ifndef ODEON_PLUGIN_H
#define ODEON_PLUGIN_H
#include "odeon/abi.h"
#include "odeon/host.h"
#include "odeon/option.h"
#include "odeon/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds: what a component is for. X(NAME, value, folder and INI key) */
#define ODEON_KIND_LIST(X)                                                                         \
    X(DEVICE, 1, "device")                                                                         \
    X(DATASET, 2, "dataset")                                                                       \
    X(LAYER, 3, "layer")                                                                           \
    X(INTEGRATOR, 4, "integrator")                                                                 \
    X(GRADIENT, 5, "gradient")                                                                     \
    X(OPTIMIZER, 6, "optimizer")                                                                   \
    X(LOSS, 7, "loss")                                                                             \
    X(SCHEDULE, 8, "schedule")                                                                     \
    X(OBSERVER, 9, "observer")                                                                     \
    X(VIEW, 10, "view")

#define ODEON_KIND_ENTRY(name, value, text) ODEON_KIND_##name = value,
enum { ODEON_KIND_LIST(ODEON_KIND_ENTRY) };
#undef ODEON_KIND_ENTRY

/* Interfaces: what the ops of a component are. A kind has one or more of them, and they freeze one
 * by one: each has a number of its own in layouts.h, in the order of these values.
 * X(NAME, value, KIND, name, type of ops, header)
 * 12, SOLVER of the kind INTEGRATOR, a whole solver of its own, is reserved. */
#define ODEON_INTERFACE_LIST(X)                                                                    \
    X(DEVICE, 1, DEVICE, "device", odeon_device_ops, "device.h")                                   \
    X(DATASET, 2, DATASET, "dataset", odeon_dataset_ops, "dataset.h")                              \
    X(LAYER, 3, LAYER, "layer", odeon_layer_ops, "layer.h")                                        \
    X(TABLEAU, 4, INTEGRATOR, "tableau", odeon_tableau, "tableau.h")                               \
    X(GRADIENT, 5, GRADIENT, "gradient", odeon_gradient_ops, "gradient.h")                         \
    X(OPTIMIZER, 6, OPTIMIZER, "optimizer", odeon_optimizer_ops, "optimizer.h")                    \
    X(LOSS, 7, LOSS, "loss", odeon_loss_ops, "loss.h")                                             \
    X(SCHEDULE, 8, SCHEDULE, "schedule", odeon_schedule_ops, "schedule.h")                         \
    X(STEPPER, 9, INTEGRATOR, "stepper", odeon_stepper_ops, "stepper.h")                           \
    X(OBSERVER, 10, OBSERVER, "observer", odeon_observer_ops, "observer.h")                        \
    X(VIEW, 11, VIEW, "view", odeon_view_ops, "view.h")

#define ODEON_INTERFACE_ENTRY(name, value, kind, text, type, header)                               \
    ODEON_INTERFACE_##name = value, ODEON_KIND_OF_##name = ODEON_KIND_##kind,
enum { ODEON_INTERFACE_LIST(ODEON_INTERFACE_ENTRY) };
#undef ODEON_INTERFACE_ENTRY

/* One implementation of one kind by one of its interfaces. Growing; static data of the plugin,
 * never written. id, of letters, digits and underscores, starts with a letter and is unique within
 * its kind. That of a layer's kernel for one device is ID@DEVICE, of two such ids; see layer.h. */
typedef struct odeon_component {
    uint32_t struct_size;
    int32_t kind;
    uint32_t
        interface_version; /* ODEON_LAYOUT_ of the interface: its version or draft (layouts.h) */
    uint32_t interface;    /* ODEON_INTERFACE_*, one of the kind's: what ops is */
    const char *id;
    const char *summary; /* one line, no full stop */
    const char *version; /* of this component, "1.0" */
    const char *license; /* SPDX, "MIT" */
    const char *source;  /* paper and equation, or NULL */
    /* What others call it, "rk45|ode45", in letters, digits and underscores; NULL: nothing. Whoever
     * types one is shown the id; capitals and underscores make no difference there. */
    const char *aliases;
    const odeon_option *const *options; /* ends with NULL; NULL: none */
    const void *ops;                    /* the interface's; starts with struct_size */

    /* Memory of an instance, a structure that begins with ODEON_INSTANCE (host.h): the host takes
     * it, zeroed and aligned to 64 bytes, writes the host table and the options into it, calls
     * init, and frees it after fini. Its address is the self of the kind's slots, on which no two
     * calls overlap unless the slot's tag says any. 0: there is no instance, and self is NULL. */
    uint64_t instance_bytes;
    /* (optional) What options alone do not say: checks between them, tables, memory. Where it fails
     * fini is called, too, and finds 0 where init did not come to. [main; build], [worker; build]
     */
    odeon_status (*init)(void *self);
    void (*fini)(void *self); /* (optional) frees what init took. [main; build], [worker; build] */
} odeon_component;

/* Growing. Static data of the plugin, never written. */
typedef struct odeon_plugin {
    uint32_t magic; /* ODEON_MAGIC */
    uint32_t struct_size;
    uint32_t abi_major, abi_minor; /* of the headers it was built with */
    uint32_t host_minor_required;  /* the least minor of a host that it can live with */
    uint32_t reserved0;
    const char *name;
    const char *version;
    const char *vendor;
    const char *layouts;                      /* ODEON_LAYOUTS, as in the note */
    const odeon_component *const *components; /* ends with NULL */
    /* (optional) Once after loading, before any instance: cheap, no files, no device. [main; load]
     */
    odeon_status (*init)(const odeon_host *host);
    /* (optional) Once at the end, after the last fini; joins what threads there are. [main; load]
     */
    void (*shutdown)(void);
} odeon_plugin;

ODEON_EXPORT const odeon_plugin odeon_plugin_v1;
#define ODEON_PLUGIN_SYMBOL "odeon_plugin_v1"

/* ROOT BY MACRO. A plugin of one component needs nothing else:
 *   ODEON_PLUGIN(TABLEAU, "ralston2", &tableau, "Ralston's method: order 2", "Ralston, 1962");
 * INTERFACE is a name of ODEON_INTERFACE_LIST; texts are literals; source may be NULL.
 * ODEON_PLUGIN_WITH also takes aliases. ODEON_PLUGIN_OPTIONS is for a component with instances: it
 * also takes their type, which begins with ODEON_INSTANCE, its options, init and fini, each but the
 * type NULL where there is none. C and C++ alike.
 *
 * Of a plugin as a whole; define them before the include to say otherwise. A licence is not granted
 * by default. A plugin that works on hosts of a lower minor than its headers, because it looks
 * before it uses what is newer, says the lowest as ODEON_PLUGIN_NEEDS_MINOR. */
#ifndef ODEON_PLUGIN_VERSION
#define ODEON_PLUGIN_VERSION "0.1"
#endif
#ifndef ODEON_PLUGIN_VENDOR
#define ODEON_PLUGIN_VENDOR "unknown"
#endif
#ifndef ODEON_PLUGIN_LICENSE
#define ODEON_PLUGIN_LICENSE "NONE" /* SPDX for: nothing is granted */
#endif
#ifndef ODEON_PLUGIN_NEEDS_MINOR
#define ODEON_PLUGIN_NEEDS_MINOR ODEON_ABI_MINOR
#endif

/* A component as it stands in a note: KIND/ID, and behind it the interface where that has another
 * name than the kind. */
#define ODEON_ENTRY_DEVICE(id)    "device/" id
#define ODEON_ENTRY_DATASET(id)   "dataset/" id
#define ODEON_ENTRY_LAYER(id)     "layer/" id
#define ODEON_ENTRY_TABLEAU(id)   "integrator/" id ":tableau"
#define ODEON_ENTRY_GRADIENT(id)  "gradient/" id
#define ODEON_ENTRY_OPTIMIZER(id) "optimizer/" id
#define ODEON_ENTRY_LOSS(id)      "loss/" id
#define ODEON_ENTRY_SCHEDULE(id)  "schedule/" id
#define ODEON_ENTRY_STEPPER(id)   "integrator/" id ":stepper"
#define ODEON_ENTRY_OBSERVER(id)  "observer/" id
#define ODEON_ENTRY_VIEW(id)      "view/" id

/* A component as a static object, for plugins of several: the root follows by ODEON_PLUGIN_OF. */
#define ODEON_COMPONENT(object, INTERFACE, id, ops, summary, source, aliases, options,             \
                        instance_bytes, init, fini)                                                \
    static const odeon_component object = {(uint32_t)sizeof(odeon_component),                      \
                                           ODEON_KIND_OF_##INTERFACE,                              \
                                           ODEON_LAYOUT_##INTERFACE,                               \
                                           ODEON_INTERFACE_##INTERFACE,                            \
                                           id,                                                     \
                                           summary,                                                \
                                           ODEON_PLUGIN_VERSION,                                   \
                                           ODEON_PLUGIN_LICENSE,                                   \
                                           source,                                                 \
                                           aliases,                                                \
                                           options,                                                \
                                           ops,                                                    \
                                           instance_bytes,                                         \
                                           init,                                                   \
                                           fini}

/* The root over the components whose addresses follow; entries is the text of the note, as
 * "layer/a,layer/b". */
#define ODEON_PLUGIN_OF(name, entries, ...)                                                        \
    static const odeon_component *const odeon_plugin_components[] = {__VA_ARGS__, NULL};           \
    ODEON_PLUGIN_NOTE(entries);                                                                    \
    ODEON_EXPORT const odeon_plugin odeon_plugin_v1;                                               \
    const odeon_plugin odeon_plugin_v1 = {ODEON_MAGIC,                                             \
                                          (uint32_t)sizeof(odeon_plugin),                          \
                                          ODEON_ABI_MAJOR,                                         \
                                          ODEON_ABI_MINOR,                                         \
                                          ODEON_PLUGIN_NEEDS_MINOR,                                \
                                          0u,                                                      \
                                          name,                                                    \
                                          ODEON_PLUGIN_VERSION,                                    \
                                          ODEON_PLUGIN_VENDOR,                                     \
                                          ODEON_LAYOUTS,                                           \
                                          odeon_plugin_components,                                 \
                                          NULL,                                                    \
                                          NULL}

#define ODEON_PLUGIN(INTERFACE, id, ops, summary, source)                                          \
    ODEON_PLUGIN_WITH(INTERFACE, id, ops, summary, source, NULL)
#define ODEON_PLUGIN_WITH(INTERFACE, id, ops, summary, source, aliases)                            \
    ODEON_COMPONENT(odeon_plugin_component, INTERFACE, id, ops, summary, source, aliases, NULL,    \
                    0u, NULL, NULL);                                                               \
    ODEON_PLUGIN_OF(id, ODEON_ENTRY_##INTERFACE(id), &odeon_plugin_component)
#define ODEON_PLUGIN_OPTIONS(INTERFACE, id, ops, summary, source, aliases, type, options, init,    \
                             fini)                                                                 \
    ODEON_COMPONENT(odeon_plugin_component, INTERFACE, id, ops, summary, source, aliases, options, \
                    ODEON_INSTANCE_BYTES(type), init, fini);                                       \
    ODEON_PLUGIN_OF(id, ODEON_ENTRY_##INTERFACE(id), &odeon_plugin_component)

/* sizeof(type), which the compiler refuses where host is not its first field. */
#define ODEON_INSTANCE_BYTES(type)                                                                 \
    ((uint64_t)(sizeof(type) + 0 * sizeof(char[offsetof(type, host) == 0 ? 1 : -1])))

#ifdef __cplusplus
}
#endif
#endif
