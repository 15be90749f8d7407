#include "device/dual_values.h"

#include "odeon/device_move.h"
#include "odeon/device_solver.h"

odeon_tensor dual_tangent(const odeon_device_dual *dual, const odeon_layer_call *call,
                          const odeon_tensor *x)
{
    return odeon_tensor_at(dual->tangent(call->device, odeon_write(x)), x->view.shape);
}

odeon_status dual_set(const odeon_device_dual *dual, const odeon_layer_call *call,
                      const odeon_view *from, const odeon_tensor *to)
{
    const odeon_device *plain = dual->plain(call->device);
    odeon_queue *queue = dual->plain_queue(call->queue);
    return from != NULL ? ODEON_DO(plain, move, copy, queue, .x = from, .y = to)
                        : ODEON_DO(plain, move, fill, queue, .y = to, .value = odeon_imm(0.0));
}

odeon_status dual_put(const odeon_device_dual *dual, const odeon_layer_call *call,
                      const odeon_view *value, const odeon_view *dot, const odeon_tensor *to)
{
    odeon_tensor to_dot = dual_tangent(dual, call, to);
    ODEON_TRY(dual_set(dual, call, value, to));
    return dual_set(dual, call, dot, &to_dot);
}

odeon_status dual_add(const odeon_device_dual *dual, const odeon_layer_call *call,
                      const odeon_view *from, const odeon_tensor *to)
{
    const odeon_scalar one = odeon_imm(1.0);
    return ODEON_DO(dual->plain(call->device), solver, lincomb, dual->plain_queue(call->queue),
                    .y = to, .base = &to->view, .n = 1, .x = &from, .coefficient = &one);
}
