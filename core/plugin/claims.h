/* claims.h: which file may offer a component, where several do.
 *
 * The folders of the search path are gone through in order, and the first that has KIND/ID.so
 * counts. What ships with the program, a file KIND/ID.so of its own folder, can be taken over by a
 * file from elsewhere only where [plugins] replace names KIND/ID; a copy of it is it. Two files of
 * one folder that claim one component are both refused, since nothing says which of them is meant.
 */
#ifndef ODEON_CORE_PLUGIN_CLAIMS_H
#define ODEON_CORE_PLUGIN_CLAIMS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/label.h"
#include "base/text.h"
#include "odeon/plugin.h"
#include "plugin/search_path.h"

enum { CLAIM_ID_BYTES = 2 * LABEL_MAX_ID_BYTES + 2 }; /* of "swish@cuda", with its NUL */

/* One entry of a note's list "layer/swish,layer/swish@cuda,integrator/mine:tableau". */
typedef struct claim {
    int32_t kind;
    uint32_t interface; /* 0: none that this host knows of the kind */
    char id[CLAIM_ID_BYTES];
    bool valid; /* kind is one, and id is what may name a component of it */
} claim;

/* The components that [plugins] replace names, as "KIND/ID". */
typedef struct claim_list {
    size_t n;
    char **names;
} claim_list;

/* Takes the next entry off *components; false: there is none. An entry of a kind that this host
 * does not know has kind 0, one that is no KIND/ID has an empty id, too; neither is valid. */
bool claim_next(const char **components, claim *out);
/* Is the component one of them, whatever its interface? */
bool claim_is_in(const char *components, int32_t kind, const char *id);

/* Is it one of them, with its interface? */
bool claim_has(const char *components, const odeon_component *component);

/* Adds "KIND/ID". ODEON_ERR_CONFIG if it is none; ODEON_ERR_NOMEM. */
odeon_status claim_list_add(claim_list *list, const char *name);
void claim_list_fini(claim_list *list);

/* May file, found below folder (NULL: it was named), offer the components of its note? Nothing of
 * it has run yet. ODEON_ERR_PLUGIN with both files in the message; ODEON_ERR_NOMEM. [main] */
odeon_status claims_check(const claim_list *replaced, const search_path *path, const char *file,
                          const char *folder, const char *components);
/* Says in a note which of them take the place of what ships with the program, and adds these to out
 * as "KIND/ID,KIND/ID". ODEON_ERR_NOMEM. [main] */
odeon_status claims_tell(const search_path *path, const char *file, const char *components,
                         text_buffer *out);

#endif
