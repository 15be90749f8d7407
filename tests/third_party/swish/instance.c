#include "instance.h"

odeon_status swish_create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    swish *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "swish: no memory for %zu bytes", sizeof *layer);
    }
    *layer = (swish){.host = host, .beta = host->option_f64(config, "beta")};
    *out = layer;
    return ODEON_OK;
}

void swish_destroy(void *self)
{
    swish *layer = self;
    if (layer != NULL) {
        layer->host->free(layer->host, layer);
    }
}
