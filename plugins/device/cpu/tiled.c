/* Products on matrix tiles, in memory of the queue. */
#include "cpu.h"
#include "tiles/tiles.h"

/* Grows to what the largest product so far has needed. Without memory the product is another way's:
 * that is the more exact one. */
static void *memory_for(cpu_queue *queue, uint64_t bytes)
{
    const odeon_host *host = queue->device->host;
    if (bytes > queue->tiles_bytes) {
        cpu_release_tiles(queue);
        queue->tiles = host->alloc(host, bytes);
        queue->tiles_bytes = queue->tiles != NULL ? bytes : 0;
    }
    return queue->tiles;
}

void cpu_release_tiles(cpu_queue *queue)
{
    const odeon_host *host = queue->device->host;
    if (queue->tiles != NULL) {
        host->free(host, queue->tiles);
    }
    queue->tiles = NULL;
    queue->tiles_bytes = 0;
}

int32_t cpu_on_tiles(const cpu_device *device, uint32_t dtype, const cpu_gemm_shape *p)
{
    return device->has_tiles && dtype == ODEON_DTYPE_F32 && tiles_worth(p);
}

static int32_t parts_of(const cpu_device *device)
{
    return TILES_MOST_PARTS + CPU_MATH_BF16X6 - (int32_t)device->math;
}

/* Splits the left factor; the right one's parts have their place behind it. */
static cpu_left split_left(cpu_queue *queue, const cpu_gemm_shape *p, const void *a)
{
    cpu_left left = {.shape = p, .a = a, .dtype = ODEON_DTYPE_F32};
    int32_t parts = parts_of(queue->device);
    uint64_t bytes = tiles_bytes(p->m, p->k, parts);
    uint16_t *rows = memory_for(queue, bytes + tiles_bytes(p->n, p->k, parts));
    if (rows != NULL && tiles_pack_rows(p, parts, a, rows)) {
        left.rows = rows;
        left.cols = rows + bytes / sizeof *rows;
    }
    return left;
}

cpu_left cpu_left_of(odeon_queue *queue, uint32_t dtype, const cpu_gemm_shape *shape, const void *a)
{
    cpu_queue *q = cpu_queue_of(queue);
    return cpu_on_tiles(q->device, dtype, shape)
               ? split_left(q, shape, a)
               : (cpu_left){.shape = shape, .a = a, .dtype = dtype};
}

int32_t cpu_tiles_multiply(odeon_queue *queue, const cpu_left *left, const void *b, void *c)
{
    int32_t parts = parts_of(cpu_queue_of(queue)->device);
    if (left->rows == NULL || !tiles_pack_cols(left->shape, parts, b, left->cols)) {
        return 0;
    }
    tiles_multiply(left->shape, parts, left->rows, left->cols, c);
    return 1;
}
