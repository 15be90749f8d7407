#include "session/worker.h"

#include "odeon/device_solver.h"

/* Of no batch: neither the key of random numbers nor the place of a slice is set. A batch sets both
 * for itself (batch.c); what is called here between batches, such as prepare, draws no numbers. */
odeon_layer_call worker_call(worker *w, uint32_t flags)
{
    return (odeon_layer_call){.struct_size = sizeof(odeon_layer_call),
                              .flags = flags,
                              .queue = w->site.lane.queue,
                              .device = w->model->device,
                              .group = &w->group.abi,
                              .batch_field = batch_field,
                              .host = &w->fields};
}

odeon_status worker_add(const worker *w, const odeon_view *x, const odeon_tensor *y)
{
    odeon_scalar one = odeon_imm(1.0);
    return ODEON_DO(w->model->device, solver, lincomb, w->site.lane.queue, .y = y, .base = &y->view,
                    .n = 1, .x = &x, .coefficient = &one);
}
