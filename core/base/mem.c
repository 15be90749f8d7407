#include "base/mem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

/* Precedes every block; its size keeps the block's alignment. It stores the block's size because
 * realloc does not keep alignment, so mem_resize copies itself. */
typedef union header {
    size_t bytes;
    unsigned char fill[ALIGNMENT];
} header;

/* Relaxed atomics throughout: these only count, no other data is published through them. */
static atomic_int_fast64_t live_blocks, total_allocs, fail_countdown;
static atomic_bool keeps_failing; /* all later allocations fail once the countdown has ended */

/* Whether a test has asked for this allocation to fail (mem_fail_at, mem_fail_from). */
static bool must_fail(void)
{
    bool after = atomic_load_explicit(&keeps_failing, memory_order_relaxed);
    if (atomic_load_explicit(&fail_countdown, memory_order_relaxed) <= 0) {
        return after;
    }
    /* Several threads may count below zero, but exactly one of them sees 1. */
    int64_t before = atomic_fetch_sub_explicit(&fail_countdown, 1, memory_order_relaxed);
    return before == 1 || (before < 1 && after);
}

/* posix_memalign of header and block in one piece; the limit leaves pointer differences
 * representable. */
void *mem_alloc(size_t bytes)
{
    atomic_fetch_add_explicit(&total_allocs, 1, memory_order_relaxed);
    void *block = NULL;
    if (must_fail() || bytes > PTRDIFF_MAX - sizeof(header) ||
        posix_memalign(&block, ALIGNMENT, sizeof(header) + bytes) != 0) {
        return NULL;
    }
    atomic_fetch_add_explicit(&live_blocks, 1, memory_order_relaxed);
    header *h = block;
    h->bytes = bytes;
    return h + 1;
}

/* Multiplied with a check, as count often comes from a file. */
void *mem_zalloc(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    void *p = mem_alloc(count * size);
    if (p != NULL) {
        memset(p, 0, count * size);
    }
    return p;
}

/* Allocates, copies and frees, because realloc does not keep the alignment. A failure must leave
 * the old block, and so it does. */
void *mem_resize(void *p, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    size_t bytes = count * size;
    void *grown = mem_alloc(bytes);
    if (grown != NULL && p != NULL) {
        size_t old = ((const header *)p - 1)->bytes;
        memcpy(grown, p, old < bytes ? old : bytes);
        mem_free(p);
    }
    return grown;
}

/* The capacity is implied by n: the array is full at 0 and at every power of two from 8. */
void *mem_grow(void *p, size_t n, size_t size)
{
    bool full = n == 0 || (n >= 8 && (n & (n - 1)) == 0);
    return full ? mem_resize(p, n < 8 ? 8 : 2 * n, size) : p;
}

/* Grows by half rather than to what is wanted, so that a caller that asks for a little more each
 * time copies only a logarithmic number of times. */
void *mem_reserve(void *p, size_t *capacity, size_t wanted, size_t least, size_t size)
{
    if (wanted <= *capacity) {
        return p;
    }
    size_t larger = *capacity + *capacity / 2 + least;
    larger = larger < wanted ? wanted : larger;
    void *grown = mem_resize(p, larger, size);
    *capacity = grown != NULL ? larger : *capacity;
    return grown;
}

/* Not strdup: the block must be counted and freed as one of ours. */
char *mem_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = mem_alloc(bytes);
    if (copy != NULL) {
        memcpy(copy, text, bytes);
    }
    return copy;
}

/* Formats twice, first only to learn the length. */
char *mem_printf(const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : mem_alloc((size_t)length + 1);
    if (text != NULL) {
        (void)vsnprintf(text, (size_t)length + 1, format, again);
    }
    va_end(again);
    return text;
}

/* free gets the address of the header, where posix_memalign began. */
void mem_free(void *p)
{
    if (p != NULL) {
        atomic_fetch_sub_explicit(&live_blocks, 1, memory_order_relaxed);
        free((header *)p - 1);
    }
}

int64_t mem_live_blocks(void)
{
    return atomic_load_explicit(&live_blocks, memory_order_relaxed);
}

int64_t mem_total_allocs(void)
{
    return atomic_load_explicit(&total_allocs, memory_order_relaxed);
}

/* keeps_failing is cleared first: between the two stores another thread sees the old countdown or
 * none, never one that keeps failing. */
void mem_fail_at(int64_t n)
{
    atomic_store_explicit(&keeps_failing, false, memory_order_relaxed);
    atomic_store_explicit(&fail_countdown, n, memory_order_relaxed);
}

/* The other way round for the same reason. */
void mem_fail_from(int64_t n)
{
    atomic_store_explicit(&fail_countdown, n, memory_order_relaxed);
    atomic_store_explicit(&keeps_failing, true, memory_order_relaxed);
}

/* Compares with a quotient, since signed overflow itself would be undefined behaviour. */
bool checked_mul(int64_t a, int64_t b, int64_t *out)
{
    bool fits = true;
    if (a > 0) {
        fits = b > 0 ? a <= INT64_MAX / b : b >= INT64_MIN / a;
    } else if (a < 0) {
        fits = b > 0 ? a >= INT64_MIN / b : b == 0 || b >= INT64_MAX / a;
    }
    if (fits) {
        *out = a * b;
    }
    return fits;
}

/* The bound that is compared with cannot itself overflow, since b is subtracted from the limit on
 * its own side. */
bool checked_add(int64_t a, int64_t b, int64_t *out)
{
    bool fits = b > 0 ? a <= INT64_MAX - b : a >= INT64_MIN - b;
    if (fits) {
        *out = a + b;
    }
    return fits;
}
