/* unknown_id.h: what is said to whoever asks for a component that nobody has. */
#ifndef ODEON_CORE_PLUGIN_UNKNOWN_ID_H
#define ODEON_CORE_PLUGIN_UNKNOWN_ID_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "odeon/status.h"

/* The ids of one kind that there are. */
typedef struct id_list {
    int32_t kind;
    size_t n, n_kernels;
    char **ids; /* [n + n_kernels], once kernels are set apart */
    bool failed;
} id_list;

/* Adds id if it is of the list's kind and not there yet; without memory the list has failed. */
void id_list_add(id_list *list, int32_t kind, const char *id);
void id_list_fini(id_list *list);

/* Writes "a|b", what others call component id, to out; run in a process of its own, since the
 * plugin is loaded for it. */
typedef struct alias_source {
    void *self;
    odeon_status (*write)(void *self, int32_t kind, const char *id, FILE *out);
} alias_source;

/* ODEON_ERR_CONFIG: id is none of the list; with the nearest of its names and aliases, or with all
 * of them; ODEON_ERR_NOMEM. Sorts the list. [main] */
odeon_status unknown_id_refuse(id_list *list, const char *id, const alias_source *aliases);

/* Is kernel, an id, that of a kernel of layer? Then the device's id in it, else NULL. */
const char *kernel_device(const char *kernel, const char *layer);

#endif
