#include "session/worker.h"

/* Of no batch: neither the key of random numbers nor the place of a slice is set. A batch sets both
 * for itself (batch.c); what is called here between batches, such as prepare, draws no numbers. */
odeon_context worker_context(worker *w, int32_t flags)
{
    return (odeon_context){.struct_size = sizeof(odeon_context),
                           .flags = flags,
                           .queue = w->site.lane.queue,
                           .device = &w->model->device,
                           .group = &w->group.abi,
                           .batch_field = batch_field,
                           .host = &w->fields};
}
