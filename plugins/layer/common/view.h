/* view.h: layers whose output is their input under another shape. A host may skip them
 * (ODEON_LAYER_VIEW); if it calls them, they copy. */
#ifndef ODEON_LAYER_VIEW_H
#define ODEON_LAYER_VIEW_H
#include "odeon/layer.h"

/* For the slots forward and vjp. */
odeon_status view_forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                          const odeon_tensor *in, const odeon_tensor *out);
odeon_status view_vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                      const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                      const odeon_tensor *d_in, const odeon_tensor *d_t);

#endif
