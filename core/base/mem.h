/* mem.h: host memory. All host allocations of the host and its plugins come from here, so that
 * tests can count them and make them fail. */
#ifndef ODEON_CORE_BASE_MEM_H
#define ODEON_CORE_BASE_MEM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Aligned to 64 bytes. Returns NULL without memory and when count * size overflows. A size of 0
 * gives a valid, unique address. */
void *mem_alloc(size_t bytes);
void *mem_zalloc(size_t count, size_t size);
/* Resizes an array, keeping its contents; on failure returns NULL and p stays valid. */
void *mem_resize(void *p, size_t count, size_t size);
/* Ensures room for one more element in an array of n elements whose capacity doubles from 8, which
 * makes appending linear overall; on failure returns NULL and p stays valid. */
void *mem_grow(void *p, size_t n, size_t size);
/* An array of at least `wanted` elements of `size` bytes, where *capacity counts those of p: p
 * itself where it is large enough, else one that is larger by half and `least` elements more. NULL:
 * out of memory, or nothing was there and nothing is wanted; p and *capacity then stay. */
void *mem_reserve(void *p, size_t *capacity, size_t wanted, size_t least, size_t size);
char *mem_strdup(const char *text);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void mem_free(void *p); /* NULL is allowed */

int64_t mem_live_blocks(void);  /* allocated and not yet freed */
int64_t mem_total_allocs(void); /* since the program started */
void mem_fail_at(int64_t n);    /* makes the n-th allocation from now fail (1: the next); 0: none */
void mem_fail_from(int64_t n);  /* makes it and all later ones fail, until mem_fail_at */

/* *out = a * b, a + b; false and no result if that overflows. */
bool checked_mul(int64_t a, int64_t b, int64_t *out);
bool checked_add(int64_t a, int64_t b, int64_t *out);

#endif
