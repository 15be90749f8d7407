#include "session/worker.h"

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
