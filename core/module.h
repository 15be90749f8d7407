/* module.h: one plugin file: judged, loaded, checked, started, shut down. Never unloaded. */
#ifndef ODEON_CORE_MODULE_H
#define ODEON_CORE_MODULE_H
#include "descriptor.h"
#include "elf_check.h"
#include "instance.h"
#include "registry.h"

typedef struct module {
    registry_plugin plugin; /* root is tables->root */
    char *file;             /* absolute, links resolved */
    elf_info elf;
    descriptor *tables;
    instance starter; /* whose host table init is given */
    bool started;
} module;

/* What can be said of a file without running anything of it: is it a plain file that only its owner
 * may write, in a folder of which that is true, whole, for this machine and this ABI? bytes may be
 * NULL. ODEON_ERR_PLUGIN, ODEON_ERR_IO; the message starts with file. [any] */
odeon_status module_examine(const char *file, elf_info *info, long long *bytes);

/* Examines, loads and checks file and calls its init. What process_state.h names is the same
 * afterwards; a plugin that changes it is warned about. [main] */
odeon_status module_load(const char *file, module **out);
/* Calls shutdown if init has succeeded. The code stays in memory. NULL is allowed. [main] */
void module_destroy(module *m);

/* The folder of the program or library that this host is (mem_free it); *out is NULL if that cannot
 * be told. ODEON_ERR_NOMEM. */
odeon_status module_host_folder(char **out);

#endif
