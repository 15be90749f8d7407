#define _GNU_SOURCE /* madvise */
#include "memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Address space only: pages are taken when they are first touched. */
static const uint64_t region_bytes = UINT64_C(4) << 30;

enum { EDGE_BYTES = 64, POISON = 0xff }; /* in front of a block, and at least that much behind it */

/* Stands in front of every block. */
typedef struct block {
    uint64_t bytes; /* as asked for */
    uint64_t next;  /* offset of the next free block of the class */
    int32_t class, reserved0;
} block;

/* Host code is shown addresses at which nothing lies; what does lies elsewhere. Large pages cost
 * the system less than a fault for each small one. */
static odeon_status map_both(const odeon_host *host, remote_memory *memory)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *shown = mmap(NULL, region_bytes, PROT_NONE, flags, -1, 0);
    void *real = mmap(NULL, region_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    memory->shown = shown != MAP_FAILED ? shown : NULL;
    memory->real = real != MAP_FAILED ? real : NULL;
    if (memory->shown == NULL || memory->real == NULL) {
        return odeon_fail(host, ODEON_ERR_DEVICE, "remote: no address space: %s", strerror(errno));
    }
    (void)madvise(memory->real, region_bytes, MADV_HUGEPAGE); /* where the system has them */
    return ODEON_OK;
}

odeon_status remote_memory_open(const odeon_host *host, uint64_t limit, remote_memory *memory)
{
    memset(memory, 0, sizeof *memory);
    memory->host = host;
    memory->limit = limit < region_bytes ? limit : region_bytes;
    memory->used = EDGE_BYTES; /* so that offset 0 is no block */
    if (pthread_mutex_init(&memory->lock, NULL) != 0) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "remote: the system has no mutex left");
    }
    odeon_status status = map_both(host, memory);
    if (status != ODEON_OK) {
        remote_memory_close(memory);
    }
    return status;
}

void remote_memory_close(remote_memory *memory)
{
    if (memory->shown != NULL) {
        (void)munmap(memory->shown, region_bytes);
    }
    if (memory->real != NULL) {
        (void)munmap(memory->real, region_bytes);
    }
    (void)pthread_mutex_destroy(&memory->lock);
}

static block *block_at(const remote_memory *memory, uint64_t offset)
{
    return (block *)(void *)(memory->real + offset);
}

/* Offset of a block of a class, from its list or from the untouched rest; 0 if there is none. */
static uint64_t find_block(remote_memory *memory, int32_t class)
{
    uint64_t offset = memory->free_block[class], size = UINT64_C(1) << class;
    if (offset != 0) {
        memory->free_block[class] = block_at(memory, offset)->next;
    } else if (size <= memory->limit - memory->used) {
        offset = memory->used;
        memory->used += size;
    }
    return offset;
}

odeon_status remote_memory_take(remote_memory *memory, uint64_t bytes, void **out)
{
    int32_t class = 8;
    uint64_t offset = 0;
    *out = NULL;
    if (bytes <= region_bytes) {
        while (UINT64_C(1) << class < bytes + 2 * EDGE_BYTES) {
            class ++;
        }
        (void)pthread_mutex_lock(&memory->lock);
        offset = find_block(memory, class);
        (void)pthread_mutex_unlock(&memory->lock);
    }
    if (offset == 0) {
        return odeon_fail(memory->host, ODEON_ERR_NOMEM, "remote: no memory for %llu bytes",
                          (unsigned long long)bytes);
    }
    memset(memory->real + offset, POISON, UINT64_C(1) << class);
    *block_at(memory, offset) = (block){.bytes = bytes, .class = class};
    atomic_fetch_add(&memory->allocs, 1);
    atomic_fetch_add(&memory->live_bytes, (int64_t)bytes);
    *out = memory->shown + offset + EDGE_BYTES;
    return ODEON_OK;
}

/* What is left behind the bytes asked for has to be as it was. */
static int32_t intact(const remote_memory *memory, uint64_t offset)
{
    const block *b = block_at(memory, offset);
    const unsigned char *at = (const unsigned char *)memory->real + offset;
    for (uint64_t i = EDGE_BYTES + b->bytes; i < UINT64_C(1) << b->class; i++) {
        if (at[i] != POISON) {
            return 0;
        }
    }
    return 1;
}

void remote_memory_give(remote_memory *memory, void *shown)
{
    if (shown == NULL) {
        return;
    }
    uint64_t offset = (uint64_t)((char *)shown - memory->shown) - EDGE_BYTES;
    block *b = block_at(memory, offset);
    if (!intact(memory, offset)) {
        atomic_store(&memory->damaged, 1);
    }
    atomic_fetch_sub(&memory->live_bytes, (int64_t)b->bytes);
    memset((char *)b + EDGE_BYTES, POISON, (UINT64_C(1) << b->class) - EDGE_BYTES);
    (void)pthread_mutex_lock(&memory->lock);
    b->next = memory->free_block[b->class];
    memory->free_block[b->class] = offset;
    (void)pthread_mutex_unlock(&memory->lock);
}

void remote_memory_left(remote_memory *memory, uint64_t *free_bytes, uint64_t *total_bytes)
{
    (void)pthread_mutex_lock(&memory->lock);
    *free_bytes = memory->limit - memory->used;
    (void)pthread_mutex_unlock(&memory->lock);
    *total_bytes = memory->limit;
}

void *remote_memory_reach(const remote_memory *memory, const void *shown, uint64_t bytes)
{
    uintptr_t begin = (uintptr_t)memory->shown, at = (uintptr_t)shown;
    if (at < begin || at - begin > region_bytes || bytes > region_bytes - (at - begin)) {
        return NULL;
    }
    return memory->real + (at - begin);
}
