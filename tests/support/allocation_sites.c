#include "allocation_sites.h"

#include <execinfo.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Of return addresses the first three are those of this file; a chain is what is above them. */
enum { OWN = 3, DEPTH = OWN + 12, SHORT = OWN + 6, MOST = 1 << 16, MOST_CHAINS = 1 << 13 };

/* Where an allocation fails alone, and where all that follow fail, which is mostly the same way out
 * from then on. */
static const int depths[2] = {DEPTH, OWN + 5}, short_depths[2] = {SHORT, OWN + 3};

void *__real_mem_alloc(size_t bytes);
void *__real_mem_zalloc(size_t count, size_t size);
void *__real_mem_resize(void *p, size_t count, size_t size);
void *__real_mem_reserve(void *p, size_t *capacity, size_t wanted, size_t least, size_t size);
void *__real_mem_grow(void *p, size_t n, size_t size);
char *__real_mem_strdup(const char *text);
char *__real_mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *__wrap_mem_alloc(size_t bytes);
void *__wrap_mem_zalloc(size_t count, size_t size);
void *__wrap_mem_resize(void *p, size_t count, size_t size);
void *__wrap_mem_reserve(void *p, size_t *capacity, size_t wanted, size_t least, size_t size);
void *__wrap_mem_grow(void *p, size_t n, size_t size);
char *__wrap_mem_strdup(const char *text);
char *__wrap_mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t chains[MOST]; /* by allocation; 0: none noted */
static int depth;             /* of chains */
static int64_t begun, n_made;
static bool is_noting;
static int64_t share = 1, n_new;

/* Chains of which an allocation was chosen, in this process, by way of failing. */
static struct {
    uint64_t chains[MOST_CHAINS];
    int64_t n;
} tried[2], *these = &tried[0];

void allocation_sites_share(int64_t n)
{
    share = n;
}

void allocation_sites_begin(bool others_fail_too)
{
    these = &tried[others_fail_too];
    depth = (getenv("ODEON_ALLOCATIONS") != NULL ? depths : short_depths)[others_fail_too];
    for (size_t i = 0; i < MOST; i++) {
        chains[i] = 0;
    }
    begun = mem_total_allocs();
    is_noting = true;
}

void allocation_sites_end(void)
{
    is_noting = false;
    n_made = mem_total_allocs() - begun;
}

static bool is_new(int64_t k)
{
    if (k < 1 || k > MOST || chains[k - 1] == 0) {
        return true;
    }
    for (int64_t i = 0; i < these->n; i++) {
        if (these->chains[i] == chains[k - 1]) {
            return false;
        }
    }
    if (these->n < MOST_CHAINS) {
        these->chains[these->n++] = chains[k - 1];
    }
    return true;
}

static bool is_chosen(int64_t k)
{
    enum { OTHERS = 32 };
    const char *wanted = getenv("ODEON_ALLOCATIONS");
    if (wanted != NULL && strcmp(wanted, "all") == 0) {
        return true;
    }
    int64_t offset = wanted != NULL ? strtol(wanted, NULL, 10) : 0;
    int64_t of_new = wanted != NULL ? 1 : share;
    return (is_new(k) && n_new++ % of_new == 0) || (k + offset) % (OTHERS * of_new) == 0;
}

int64_t allocation_sites_next(int64_t k)
{
    for (k++; k <= n_made && !is_chosen(k);) {
        k++;
    }
    return k;
}

/* FNV-1a over the return addresses. */
static uint64_t chain_of_calls(void)
{
    void *above[DEPTH];
    int n = backtrace(above, depth);
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int i = 0; i < n; i++) {
        hash = (hash ^ (uint64_t)(uintptr_t)above[i]) * UINT64_C(1099511628211);
    }
    return hash != 0 ? hash : 1;
}

/* Before the allocation. Of threads that allocate at the same time, one may take the other's place:
 * then an allocation has no note, or the note of its neighbour, as which of them comes first is
 * another in every run anyway. */
static void note(void)
{
    if (is_noting) {
        uint64_t chain = chain_of_calls();
        (void)pthread_mutex_lock(&lock);
        int64_t k = mem_total_allocs() - begun;
        if (k >= 0 && k < MOST) {
            chains[k] = chain;
        }
        (void)pthread_mutex_unlock(&lock);
    }
}

void *__wrap_mem_alloc(size_t bytes)
{
    note();
    return __real_mem_alloc(bytes);
}

void *__wrap_mem_zalloc(size_t count, size_t size)
{
    note();
    return __real_mem_zalloc(count, size);
}

void *__wrap_mem_resize(void *p, size_t count, size_t size)
{
    note();
    return __real_mem_resize(p, count, size);
}

/* Where the array has room nothing is allocated, and the next one's note replaces this. */
void *__wrap_mem_reserve(void *p, size_t *capacity, size_t wanted, size_t least, size_t size)
{
    note();
    return __real_mem_reserve(p, capacity, wanted, least, size);
}

void *__wrap_mem_grow(void *p, size_t n, size_t size)
{
    note();
    return __real_mem_grow(p, n, size);
}

char *__wrap_mem_strdup(const char *text)
{
    note();
    return __real_mem_strdup(text);
}

char *__wrap_mem_printf(const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        return NULL;
    }
    note();
    char *copy = __real_mem_printf("%s", text);
    free(text);
    return copy;
}
