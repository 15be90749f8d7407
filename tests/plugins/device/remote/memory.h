/* memory.h: memory that its addresses do not give access to.
 *
 * There are two mappings: one without any access, where the device says that its memory is, and one
 * that is readable and writable, at a constant distance that only the device knows. A host that
 * follows a device's address is killed on the spot. Fresh and freed memory is filled with bytes
 * 0xff, which are NaN as float32 and float64 and -1 as int64. */
#ifndef ODEON_REMOTE_MEMORY_H
#define ODEON_REMOTE_MEMORY_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "odeon/host.h"

enum { REMOTE_CLASSES = 40 }; /* blocks of 2^class bytes; free ones of a class form a list */

typedef struct remote_memory {
    const odeon_host *host;
    char *shown, *real; /* the two mappings */
    pthread_mutex_t lock;
    uint64_t used, limit;                /* bytes from the start that were ever given out; most */
    uint64_t free_block[REMOTE_CLASSES]; /* offset of the first free block, 0: none */
    _Atomic int64_t allocs, live_bytes;
    _Atomic int32_t damaged; /* somebody wrote behind the end of a block */
} remote_memory;

/* ODEON_ERR_DEVICE if the system does not give the mappings. limit: bytes to give out. */
odeon_status remote_memory_open(const odeon_host *host, uint64_t limit, remote_memory *memory);
void remote_memory_close(remote_memory *memory);

/* Shown addresses, aligned to 64 bytes. [any] */
odeon_status remote_memory_take(remote_memory *memory, uint64_t bytes, void **out);
void remote_memory_give(remote_memory *memory, void *shown);

/* Of what may still be given out, blocks given back not counted. [any] */
void remote_memory_left(remote_memory *memory, uint64_t *free_bytes, uint64_t *total_bytes);

/* Where the device reaches bytes at a shown address; NULL unless all of them are its own. */
void *remote_memory_reach(const remote_memory *memory, const void *shown, uint64_t bytes);

#endif
