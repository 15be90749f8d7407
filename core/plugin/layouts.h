/* layouts.h: was a plugin built with the headers that this host has? Draft interfaces change
 * without a new version; what two sides disagree about then is where a field is, which no call can
 * notice. */
#ifndef ODEON_CORE_PLUGIN_LAYOUTS_H
#define ODEON_CORE_PLUGIN_LAYOUTS_H
#include "odeon/status.h"

/* layouts and components as file's note has them (elf_check.h): what all plugins share and the
 * interfaces that it has components of must be those of this host; numbers of other interfaces, and
 * kinds that are not known here, do not matter. ODEON_ERR_PLUGIN. [any] */
odeon_status layouts_check(const char *file, const char *layouts, const char *components);

#endif
