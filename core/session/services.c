#include "session/services.h"

#include <stddef.h>
#include <string.h>

#include "net/net.h"
#include "ode/ode.h"

typedef struct extension {
    const char *id;
    const void *(*table)(void);
} extension;

static const void *ode_table(void)
{
    return ode_services();
}

static const void *chain_table(void)
{
    return net_chain_services();
}

static const extension extensions[] = {
    {ODEON_HOST_CHAIN, chain_table},
    {ODEON_HOST_ODE, ode_table},
    {NULL, NULL},
};

const void *extension_find(const char *id)
{
    for (const extension *e = extensions; e->id != NULL; e++) {
        if (strcmp(e->id, id) == 0) {
            return e->table();
        }
    }
    return NULL;
}
