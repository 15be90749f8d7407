/* component_list.h: keys whose value is a list of components of one kind, as train.loss and
 * run.observers are. */
#ifndef ODEON_CORE_CONFIG_COMPONENT_LIST_H
#define ODEON_CORE_CONFIG_COMPONENT_LIST_H
#include "config/section.h"

typedef struct component_key {
    int32_t kind; /* ODEON_KIND_* */
    const char *section, *name;
    const char *advice; /* ": ...", against naming one twice, or "" */
} component_key;

/* Reads the list "ID, ID(key=value, ...)" that h has for key, which is given, into *n and *list,
 * both empty so far, and puts its normal form, with all options written out, in the place of what
 * was typed. Paths among options count from the folder of the key's file. No id may stand in it
 * twice. On failure too, *n counts what has to be destroyed. */
odeon_status component_list_read(loading *l, host_section *h, const component_key *key, size_t *n,
                                 odeon_config ***list);

#endif
