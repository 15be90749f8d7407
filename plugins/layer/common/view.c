#include "view.h"
#include "odeon/device_move.h"

odeon_status view_forward(void *self, const odeon_layer_call *call)
{
    (void)self;
    return ODEON_DO(call->device, move, copy, call->queue, .x = call->in, .y = call->out);
}

odeon_status view_vjp(void *self, const odeon_layer_call *call)
{
    (void)self;
    return call->d_in == NULL
               ? ODEON_OK
               : ODEON_DO(call->device, move, copy, call->queue, .x = call->d_out, .y = call->d_in);
}
