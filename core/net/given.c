#include "net/given.h"

#include "base/diag.h"

/* Inputs and labels are never given, so needing them is a fault of the plugin. */
odeon_status given_check_plan(const net_site *site, const net_layer *layer,
                              const odeon_layer_plan *plan)
{
    const char *id = layer->instance->component->id;
    uint32_t known = (1u << DATA_ROLES) - (1u << ODEON_ROLE_TIME);
    if ((plan->needs & ~known) != 0) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "%s: layer %s needs fields of the batch that this host gives to no layer: "
                         "bits 0x%x",
                         layer->path, id, (unsigned)(plan->needs & ~known));
    }
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        if ((plan->needs & 1u << role) != 0 && site->given[role].dtype == 0) {
            return diag_fail(ODEON_ERR_CONFIG,
                             "%s: layer %s needs a field of role %s, and the data set's samples "
                             "have none",
                             layer->path, id, data_role_name(role));
        }
    }
    return ODEON_OK;
}

odeon_status given_check_batch(const net_site *site, const odeon_layer_call *around)
{
    for (size_t i = 0; i < site->n_layers; i++) {
        const net_layer *layer = site->layers[i];
        for (int32_t role = 0; layer->plan.needs != 0 && role < DATA_ROLES; role++) {
            if ((layer->plan.needs & 1u << role) != 0 &&
                around->batch_field(around, role) == NULL) {
                return diag_fail(ODEON_ERR_DATA,
                                 "%s: layer %s needs a field of role %s, and this batch has none",
                                 layer->path, layer->instance->component->id, data_role_name(role));
            }
        }
    }
    return ODEON_OK;
}
