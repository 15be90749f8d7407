/* search_path.h: the folders in which plugins are looked for. */
#ifndef ODEON_CORE_PLUGIN_SEARCH_PATH_H
#define ODEON_CORE_PLUGIN_SEARCH_PATH_H
#include <stddef.h>

#include "odeon/status.h"

typedef struct search_path {
    size_t n;
    char **folders; /* absolute; they may not exist */
    size_t shipped; /* which is the program's own: of its installation, or of its build */
    size_t own;     /* the same unless that one was given as well; then n, and none is trusted
                       for being the program's */
} search_path;

/* The n_paths given, then what registry.h says, each folder once. Of what the environment names
 * only absolute paths count, so that the working directory is never searched by accident.
 * ODEON_ERR_CONFIG if a given path is no folder; ODEON_ERR_NOMEM. */
odeon_status search_path_create(size_t n_paths, const char *const *paths, search_path **out);
void search_path_destroy(search_path *p); /* NULL is allowed */

#endif
