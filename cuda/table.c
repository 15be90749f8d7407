#include "table.h"

#include "card_memory.h"
#include "device.h"
#include "queue.h"
#include "transfer.h"

const odeon_device_ops cuda_device_ops = {
    .struct_size = sizeof(odeon_device_ops),
    .rank = 100,
    .device_type = ODEON_ON_CUDA,
    .probe = cuda_probe,
    .describe = cuda_describe,
    .queue_create = cuda_queue_create,
    .queue_destroy = cuda_queue_destroy,
    .alloc = cuda_alloc,
    .free = cuda_free,
    .upload = cuda_upload,
    .download = cuda_download,
    .slots_read = cuda_slots_read,
    .wait = cuda_wait,
    .get_table = cuda_table,
};
