/* module.h: one plugin file: judged, loaded, checked, started, shut down. Never unloaded. */
#ifndef ODEON_CORE_PLUGIN_MODULE_H
#define ODEON_CORE_PLUGIN_MODULE_H
#include "plugin/descriptor.h"
#include "plugin/elf_check.h"
#include "plugin/instance.h"
#include "plugin/registry_plugin.h"

typedef struct module {
    registry_plugin plugin; /* root is tables->root */
    char *file;             /* absolute, links resolved */
    elf_info elf;
    descriptor *tables;
    instance starter; /* whose host table init is given */
    bool started;
    bool has_looked; /* whether a file of its kernel's name is passed over (registry.c) */
} module;

/* Loads file, absolute, found below folder, or named if that is NULL: asks whether it can be
 * trusted (trust.h has the rule and own), examines it without running anything of it (a plain file,
 * whole, for this machine and this ABI), loads and checks it and calls its init. What
 * process_state.h names is the same afterwards; a plugin that changes it is warned about.
 * ODEON_ERR_PLUGIN, ODEON_ERR_IO, ODEON_ERR_NOMEM, and what init answers. [main] */
odeon_status module_load(const char *file, const char *folder, bool own, module **out);
/* The same up to where something of file would run: can it be trusted, and is it a plugin? */
odeon_status module_examine(const char *file, const char *folder, bool own);
/* Calls shutdown if init has succeeded. The code stays in memory. NULL is allowed. [main] */
void module_destroy(module *m);

#endif
