/* registry_plugin.h: what others may know of a loaded plugin. */
#ifndef ODEON_CORE_PLUGIN_REGISTRY_PLUGIN_H
#define ODEON_CORE_PLUGIN_REGISTRY_PLUGIN_H
#include <stdbool.h>

#include "odeon/plugin.h"

/* A plugin in use, for the manifest and for inspect. */
typedef struct registry_plugin {
    const char *file;     /* absolute */
    const char *build_id; /* hexadecimal; "" if the file has none */
    const char *sha256;   /* hexadecimal, of a file without a build-id; else "" */
    const char *replaces; /* "layer/a,layer/b": what ships with the program and it is used for
                             instead, since [plugins] replace says so; "": nothing */
    long long bytes;
    const odeon_plugin *root; /* the host's checked copy */
    bool in_use;              /* not only looked at */
} registry_plugin;

#endif
