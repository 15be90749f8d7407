#include "session/worker.h"

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
