#include "solver/frame_stack.h"

#include <stddef.h>

#include "base/diag.h"
#include "base/mem.h"

enum { LEAST_CHUNK = 1 << 18 };

struct frame_chunk_bytes {
    char *data; /* device */
    int64_t bytes, used;
};

void frame_stack_fini(frame_stack *s, const odeon_device *device)
{
    for (size_t i = 0; i < s->n; i++) {
        device->ops->free(device->handle, s->chunks[i].data);
    }
    mem_free(s->chunks);
    *s = (frame_stack){0};
}

frame_mark frame_stack_mark(const frame_stack *s)
{
    return (frame_mark){
        .now = s->now, .used = s->now < s->n ? s->chunks[s->now].used : 0, .in_use = s->in_use};
}

/* Each chunk is at least as large as all before it together, so that there are few. */
static odeon_status add_chunk(frame_stack *s, const odeon_device *device, int64_t bytes)
{
    frame_chunk_bytes *list = mem_reserve(s->chunks, &s->capacity, s->n + 1, 8, sizeof *s->chunks);
    if (list == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "no memory for the frames of a solve");
    }
    s->chunks = list;
    int64_t all = 0;
    for (size_t i = 0; i < s->n; i++) {
        all += s->chunks[i].bytes;
    }
    int64_t size = all > LEAST_CHUNK ? all : LEAST_CHUNK;
    size = bytes > size ? bytes : size;
    void *data = NULL;
    ODEON_TRY(device->ops->alloc(device->handle, (uint64_t)size, &data));
    s->chunks[s->n++] = (frame_chunk_bytes){.data = data, .bytes = size};
    return ODEON_OK;
}

/* A chunk too small for what is asked for now is left as it is, and serves smaller frames of a
 * later solve. */
odeon_status frame_stack_push(frame_stack *s, const odeon_device *device, int64_t bytes, char **out)
{
    bytes = (bytes + 63) / 64 * 64;
    while (s->now < s->n && s->chunks[s->now].bytes - s->chunks[s->now].used < bytes) {
        s->now++;
    }
    ODEON_TRY(s->now == s->n ? add_chunk(s, device, bytes) : ODEON_OK);
    frame_chunk_bytes *chunk = &s->chunks[s->now];
    *out = chunk->data + chunk->used;
    chunk->used += bytes;
    s->in_use += bytes;
    s->peak = s->in_use > s->peak ? s->in_use : s->peak;
    return ODEON_OK;
}

void frame_stack_return(frame_stack *s, const frame_mark *mark)
{
    for (size_t i = mark->now; i < s->n && i <= s->now; i++) {
        s->chunks[i].used = i == mark->now ? mark->used : 0;
    }
    s->now = mark->now;
    s->in_use = mark->in_use;
}
