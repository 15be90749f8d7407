/* registry.h: (kind, id) to component. Plugins are found by path, checked, loaded once, never
 * unloaded. */
#ifndef ODEON_CORE_PLUGIN_REGISTRY_H
#define ODEON_CORE_PLUGIN_REGISTRY_H
#include <stdbool.h>
#include <stdio.h>

#include "odeon/plugin.h"
#include "option/schema.h"
#include "plugin/figures.h"
#include "plugin/files.h"
#include "plugin/module.h"
#include "plugin/registry_plugin.h"

typedef struct registry registry;

/* paths: folders to search first (from --plugin-path), in order; then ODEON_PLUGIN_PATH (colon
 * separated, ignored under AT_SECURE), the user's folder ($XDG_DATA_HOME or ~/.local/share, then
 * /odeon/plugins), the folder of the installation or of the build. Never the working directory.
 * Nothing is loaded yet. */
odeon_status registry_create(size_t n_paths, const char *const *paths, registry **out);
/* Shuts plugins down in reverse order of loading. NULL is allowed. All instances are gone. */
void registry_destroy(registry *r);

/* Loads KIND/ID.so from the first folder that has it, unless the component is known already;
 * claims.h says which file may offer what.
 * ODEON_ERR_CONFIG if there is none (with the nearest id of that kind), ODEON_ERR_PLUGIN if there
 * is one that cannot be used (with the reason). [main] */
odeon_status registry_find(registry *r, int32_t kind, const char *id, const odeon_component **out);
/* The same without putting the plugin to use: its tables are to be read, no more. */
odeon_status registry_look_at(registry *r, int32_t kind, const char *id,
                              const odeon_component **out);
/* Opens that file and runs nothing of it: its note says what it holds. Errors as registry_find's;
 * module_destroy it. [main] */
odeon_status registry_examine(const registry *r, int32_t kind, const char *id, module **out);
/* The kernel ID@DEVICE that replaces layer ID on a device, put to use: of the first plugin
 * loaded that has it, else of layer/ID@DEVICE.so from the first folder that does. *out is NULL if
 * there is none. Warns of a file that offers the same and is not used. [main] */
odeon_status registry_find_kernel(registry *r, const char *layer, const char *device,
                                  const odeon_component **out);
/* Loads one file that may hold any components; they are then known by (kind, id). [main] */
odeon_status registry_load(registry *r, const char *file);
/* From now on a file from elsewhere may take the place of "KIND/ID", which ships with the program;
 * that it does is said once. ODEON_ERR_CONFIG if name is none. [main] */
odeon_status registry_replace(registry *r, const char *name);
/* What instances of all components read from now on may ask the host for (get_extension); services
 * outlive r. None without it. */
void registry_offer(registry *r, const host_service *services);
const host_service *registry_services(const registry *r);
figures *registry_figures(const registry *r); /* of the instances of all components read by it */
/* From now on files that an INI names are not to be loaded. */
void registry_distrust(registry *r);
/* May file, which an INI names, be loaded, as far as that goes? Whoever reads the INI asks. What
 * can be said against the file without running anything of it comes first, then ODEON_ERR_CONFIG.
 * One that is loaded already may. */
odeon_status registry_may_load(const registry *r, const char *file);

size_t registry_plugin_count(const registry *r);
registry_plugin registry_plugin_at(const registry *r, size_t index);
/* Says whether a component's plugin is in use: one that was tried and not taken is not. */
void registry_set_use(registry *r, const odeon_component *component, bool in_use);
/* The plugin that a component came from. */
const registry_plugin *registry_plugin_of(const registry *r, const odeon_component *component);

/* Is kernel, an id, that of a kernel of layer? Then the device's id in it, else NULL. */
const char *registry_kernel_device(const char *kernel, const char *layer);

/* Files KIND/ID.so under the search path without loading any: calls visit(kind, id, file, context)
 * for each, kernels among them, shadowed ones left out, sorted by kind and id. */
odeon_status registry_scan(registry *r, plugin_visitor visit, void *context);

#endif
