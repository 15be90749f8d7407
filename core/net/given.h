/* given.h: what layers need of a batch beside their input, held against what there is. */
#ifndef ODEON_CORE_NET_GIVEN_H
#define ODEON_CORE_NET_GIVEN_H
#include "net/net.h"

/* Does the data set have all fields that a layer's plan needs? ODEON_ERR_CONFIG with layer and
 * role; layer->path and instance are set. */
odeon_status given_check_plan(const net_site *site, const net_layer *layer,
                              const odeon_layer_plan *plan);
/* The same of one batch, for all layers: predictions may be asked for samples without them.
 * ODEON_ERR_DATA. */
odeon_status given_check_batch(const net_site *site, const odeon_layer_call *around);

#endif
