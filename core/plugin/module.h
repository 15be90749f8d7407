/* module.h: one plugin file: judged, loaded, checked, started, shut down. Never unloaded. */
#ifndef ODEON_CORE_PLUGIN_MODULE_H
#define ODEON_CORE_PLUGIN_MODULE_H
#include "base/sha256.h"
#include "base/text.h"
#include "plugin/descriptor.h"
#include "plugin/elf_check.h"
#include "plugin/instance.h"
#include "plugin/library.h"
#include "plugin/registry_plugin.h"

typedef struct module {
    registry_plugin plugin; /* root is tables->root */
    char *file;             /* absolute, links resolved */
    const char *folder;     /* of the search path, below which it was found; NULL: it was named */
    library_file library;   /* open from the first check until it is loaded; fd -1: not so */
    elf_info elf;
    char sha256[SHA256_TEXT_BYTES]; /* "" if it has a build-id */
    text_buffer replaces;           /* plugin.replaces */
    descriptor *tables;
    instance starter; /* whose host table init is given */
    bool started;
    bool has_looked; /* whether a file of its kernel's name is passed over (registry.c) */
} module;

/* Opens file, absolute, found below folder, or named if that is NULL, and runs nothing of it: can
 * it be trusted (trust.h has the rule and own), is it a plain file, whole, and a plugin for this
 * machine and this ABI? elf then says what its note does. folder outlives *out. ODEON_ERR_PLUGIN,
 * ODEON_ERR_IO, ODEON_ERR_NOMEM. [main] */
odeon_status module_open(const char *file, const char *folder, bool own, module **out);
/* Loads what module_open has opened, to the byte: checks its tables and calls its init. What
 * process_state.h names is the same afterwards; a plugin that changes it is warned about.
 * ODEON_ERR_PLUGIN, ODEON_ERR_NOMEM, and what init answers. [main] */
odeon_status module_start(module *m);
/* Calls shutdown if init has succeeded. The code stays in memory. NULL is allowed. [main] */
void module_destroy(module *m);

#endif
