/* Products on matrix tiles, in memory of the queue. */
#include "cpu.h"
#include "tiles/tiles.h"

/* Grows to what the largest product so far has needed. Without memory the product is another way's:
 * that is the more exact one. */
void *cpu_tiles_memory(cpu_queue *queue, uint64_t bytes)
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

int32_t cpu_on_tiles(const cpu_device *device, const cpu_gemm_shape *p)
{
    return device->has_tiles && tiles_worth(p);
}

int32_t cpu_tiles_parts(const cpu_device *device)
{
    return TILES_MOST_PARTS + CPU_MATH_BF16X6 - (int32_t)device->math;
}

int32_t cpu_multiply_on_tiles(cpu_queue *queue, const cpu_gemm_shape *p, const float *a,
                              const float *b, float *c)
{
    const cpu_device *d = queue->device;
    if (!cpu_on_tiles(d, p)) {
        return 0;
    }
    int32_t parts = cpu_tiles_parts(d);
    uint64_t bytes = tiles_bytes(p->m, p->k, parts);
    uint16_t *rows = cpu_tiles_memory(queue, bytes + tiles_bytes(p->n, p->k, parts));
    if (rows == NULL) {
        return 0;
    }
    uint16_t *cols = rows + bytes / sizeof *rows;
    if (!tiles_pack_rows(p, parts, a, rows) || !tiles_pack_cols(p, parts, b, cols)) {
        return 0;
    }
    tiles_multiply(p, parts, rows, cols, c);
    return 1;
}
