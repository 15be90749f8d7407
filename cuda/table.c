#include "table.h"

#include "blas.h"
#include "card_memory.h"
#include "device.h"
#include "dnn.h"
#include "queue.h"

const odeon_device_ops cuda_device_ops = {
    .struct_size = sizeof(odeon_device_ops),
    .rank = 100,
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
    OPS_SLOTS,
    .gemm = cuda_gemm,
    .conv2d_scratch = cuda_conv2d_scratch,
    .conv2d = cuda_conv2d,
    .conv2d_vjp_x = cuda_conv2d_vjp_x,
    .conv2d_vjp_w = cuda_conv2d_vjp_w,
    .get_extension = cuda_extension,
};
