/* kinds.h: what the host knows of each kind and of each interface: names, the table of operations,
 * and which slots of it must be there. */
#ifndef ODEON_CORE_OPTION_KINDS_H
#define ODEON_CORE_OPTION_KINDS_H
#include <stdbool.h>
#include <stddef.h>

#include "odeon/plugin.h"

/* The last of each; a plugin of a later host may have more. */
enum { KIND_COUNT = ODEON_KIND_VIEW, INTERFACE_COUNT = ODEON_INTERFACE_VIEW };

/* A slot of a table of operations: where it stands, and its name for messages. */
typedef struct kind_slot {
    size_t offset;
    const char *name;
} kind_slot;

/* A row for each interface, from which a table that a plugin brings is checked. */
typedef struct interface_info {
    const char *name; /* "layer", "tableau" */
    int32_t kind;
    uint32_t version;        /* while it is a draft its layout number, not below 256 (layouts.h) */
    size_t ops_bytes;        /* sizeof of the host's own table */
    size_t ops_bytes_first;  /* of the first table of this major: no plugin's may be smaller */
    int32_t reserved_at;     /* offset of a word that must be zero; 0: none */
    const kind_slot *needed; /* must not be NULL; ends with name NULL */
    size_t flags_at;         /* offset of a word of flags; 0: none */
    uint32_t flags_known;    /* bits of it that have a meaning */
} interface_info;

/* By number, or by the name that stands in notes; NULL for what is no interface. */
const interface_info *interface_of(uint32_t number);
uint32_t interface_by_name(const char *name); /* 0 for no interface */

bool interface_is_frozen(const interface_info *of);

const char *kind_name(int32_t kind);    /* "layer"; NULL for no kind */
int32_t kind_by_name(const char *name); /* 0 for no kind */

#endif
