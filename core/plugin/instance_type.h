/* instance_type.h: what an instance is. Who may be named as a caller needs no more of it. */
#ifndef ODEON_CORE_PLUGIN_INSTANCE_TYPE_H
#define ODEON_CORE_PLUGIN_INSTANCE_TYPE_H
#include <stdbool.h>

#include "odeon/host.h"
#include "odeon/plugin.h"
#include "option/schema.h"

typedef struct instance {
    odeon_host host;                  /* host.self is this instance */
    const odeon_component *component; /* of config, or a kernel in its place */
    const odeon_config *config;       /* borrowed, unless it is owned too */
    odeon_config *owned;              /* NULL: config is somebody else's */
    void *self;                       /* instance_bytes of the host's; NULL: none */
    char *path;                       /* "ode.block", for messages */
    const char *file;                 /* the plugin that component came from; NULL: none is known */
    bool in_init;
    bool misused;                /* its init used an option wrongly */
    char *misuse;                /* the first of these; NULL: no memory for the text */
    struct figure_list *figures; /* that it has declared (figures.h); NULL: none */
} instance;

#endif
