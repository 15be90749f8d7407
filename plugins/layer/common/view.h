/* view.h: layers whose output is their input under another shape. A host may skip them
 * (ODEON_LAYER_VIEW); if it calls them, they copy. */
#ifndef ODEON_LAYER_VIEW_H
#define ODEON_LAYER_VIEW_H
#include "odeon/layer.h"

/* For the slots forward and vjp. */
odeon_status view_forward(void *self, const odeon_layer_call *call);
odeon_status view_vjp(void *self, const odeon_layer_call *call);

#endif
