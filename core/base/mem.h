/* mem.h: host memory. Everything the host and its plugins allocate on the host comes from here, so
 * that it can be counted and made to fail. */
#ifndef ODEON_CORE_BASE_MEM_H
#define ODEON_CORE_BASE_MEM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Aligned to 64 bytes; NULL without memory (also when the size overflows). 0 bytes give an address
 * that is not NULL. */
void *mem_alloc(size_t bytes);
void *mem_zalloc(size_t count, size_t size);
/* Grows or shrinks an array, keeping its contents; on failure p stays as it is. */
void *mem_resize(void *p, size_t count, size_t size);
/* Room for one more element in an array of n that grows by doubling from 8, so that appending one
 * by one stays linear; on failure p stays as it is. */
void *mem_grow(void *p, size_t n, size_t size);
/* An array of at least `wanted` elements of `size` bytes, where *capacity counts those of p: p
 * itself where it is large enough, else one that is larger by half and `least` elements more. NULL:
 * out of memory, or nothing was there and nothing is wanted; p and *capacity then stay. */
void *mem_reserve(void *p, size_t *capacity, size_t wanted, size_t least, size_t size);
char *mem_strdup(const char *text);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void mem_free(void *p); /* takes NULL */

int64_t mem_live_blocks(void);  /* allocated and not freed */
int64_t mem_total_allocs(void); /* since the start */
void mem_fail_at(int64_t n);    /* the n-th allocation from now fails (1: the next); 0: none */
void mem_fail_from(int64_t n);  /* it and all after it fail, until mem_fail_at */

/* a * b, a + b; false when that overflows. */
bool checked_mul(int64_t a, int64_t b, int64_t *out);
bool checked_add(int64_t a, int64_t b, int64_t *out);

#endif
