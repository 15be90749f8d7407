/* files.h: files KIND/ID.so below a list of folders. */
#ifndef ODEON_CORE_PLUGIN_FILES_H
#define ODEON_CORE_PLUGIN_FILES_H
#include <stddef.h>
#include <stdint.h>

#include "odeon/status.h"

typedef void (*plugin_visitor)(int32_t kind, const char *id, const char *file, void *context);

/* Calls visit for each, of those with equal kind and id for the first folder's alone, sorted by
 * kind and id. Folders that do not exist have none. ODEON_ERR_NOMEM. */
odeon_status plugin_files_visit(size_t n_folders, const char *const *folders, plugin_visitor visit,
                                void *context);

#endif
