/* The arena. It has one size, since the distance from values to tangents is one number. Where the
 * base's memory is the host's this is address space alone, of which pages are taken when they are
 * touched, so that a size need not be guessed and tangents that nobody writes cost nothing; else it
 * is one allocation of the base. Pieces are given out by first fit. */
#define _GNU_SOURCE /* MAP_ANONYMOUS, MAP_NORESERVE, madvise */
#include "dual.h"

#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

static const uint64_t mib = UINT64_C(1) << 20;
static const uint64_t most_address_space = UINT64_C(1) << 37; /* of each half */
static const uint64_t least_address_space = UINT64_C(1) << 28;
static const uint64_t device_bytes = UINT64_C(256) << 20;  /* where no size is given */
static const uint64_t worth_returning = UINT64_C(1) << 20; /* to the system */

odeon_status dual_arena_init(dual_device *d)
{
    d->arena.has_lock = pthread_mutex_init(&d->arena.lock, NULL) == 0;
    return d->arena.has_lock
               ? ODEON_OK
               : odeon_fail(d->host, ODEON_ERR_NOMEM, "dual: the system has no mutex left");
}

void dual_arena_fini(dual_device *d)
{
    dual_arena *a = &d->arena;
    if (a->zeroing.handle != NULL) {
        d->base->ops->queue_destroy(d->base->handle, a->zeroing.handle);
    }
    if (a->values != NULL && a->is_mapped) {
        (void)munmap(a->values, 2 * a->bytes);
    } else if (a->values != NULL) {
        d->base->ops->free(d->base->handle, a->values);
    }
    d->host->free(d->host, a->pieces);
    if (a->has_lock) {
        (void)pthread_mutex_destroy(&a->lock);
    }
}

/* ---- its beginning ---- */

/* As much as the system lets the process have, which may limit its address space. */
static odeon_status map(dual_device *d)
{
    dual_arena *a = &d->arena;
    uint64_t given = (uint64_t)d->arena_mib * mib;
    uint64_t least = given > 0 ? given : least_address_space;
    for (uint64_t bytes = given > 0 ? given : most_address_space; bytes >= least; bytes /= 2) {
        void *memory = mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory != MAP_FAILED) {
            a->values = memory;
            a->bytes = bytes;
            a->is_mapped = 1;
            return ODEON_OK;
        }
    }
    return odeon_fail(d->host, ODEON_ERR_NOMEM,
                      "dual: no address space for twice %llu MiB; give it less (arena=)",
                      (unsigned long long)(least / mib));
}

static odeon_status take_all(dual_device *d)
{
    dual_arena *a = &d->arena;
    void *memory = NULL;
    a->bytes = d->arena_mib > 0 ? (uint64_t)d->arena_mib * mib : device_bytes;
    ODEON_TRY(d->base->ops->alloc(d->base->handle, 2 * a->bytes, &memory));
    a->values = memory;
    return ODEON_OK;
}

static odeon_status reserve_pieces(dual_device *d, int32_t capacity)
{
    dual_arena *a = &d->arena;
    if (capacity <= a->capacity) {
        return ODEON_OK;
    }
    dual_piece *more = d->host->alloc(d->host, (uint64_t)capacity * sizeof *more);
    if (more == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "dual: no memory for a list of pieces");
    }
    if (a->n > 0) {
        memcpy(more, a->pieces, (size_t)a->n * sizeof *more);
    }
    d->host->free(d->host, a->pieces);
    a->pieces = more;
    a->capacity = capacity;
    return ODEON_OK;
}

static odeon_status open_locked(dual_device *d)
{
    dual_arena *a = &d->arena;
    if (a->values != NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(reserve_pieces(d, 64));
    if (a->zeroing.handle == NULL) {
        a->zeroing.self = d->base->self;
        ODEON_TRY(d->base->ops->queue_create(d->base->handle, 0, &a->zeroing.handle));
    }
    ODEON_TRY(d->base->device_type == ODEON_ON_HOST ? map(d) : take_all(d));
    a->pieces[0] = (dual_piece){.bytes = a->bytes};
    a->n = 1;
    return ODEON_OK;
}

odeon_status dual_arena_open(dual_device *d)
{
    (void)pthread_mutex_lock(&d->arena.lock);
    odeon_status status = open_locked(d);
    (void)pthread_mutex_unlock(&d->arena.lock);
    return status;
}

/* ---- pieces ---- */

/* The first of piece i's bytes are taken. There is room for one piece more. */
static void split(dual_arena *a, int32_t i, uint64_t bytes)
{
    dual_piece *p = &a->pieces[i];
    if (p->bytes > bytes) {
        memmove(p + 1, p, (size_t)(a->n - i) * sizeof *p);
        p[1].at += bytes;
        p[1].bytes -= bytes;
        p->bytes = bytes;
        a->n++;
    }
    p->taken = 1;
}

/* Piece i and the one behind it are one where both are free. */
static void join(dual_arena *a, int32_t i)
{
    dual_piece *p = &a->pieces[i];
    if (i >= 0 && i + 1 < a->n && !p[0].taken && !p[1].taken) {
        p->bytes += p[1].bytes;
        a->n--;
        memmove(p + 1, p + 2, (size_t)(a->n - i - 1) * sizeof *p);
    }
}

static int32_t find_free(const dual_arena *a, uint64_t bytes)
{
    for (int32_t i = 0; i < a->n; i++) {
        if (!a->pieces[i].taken && a->pieces[i].bytes >= bytes) {
            return i;
        }
    }
    return -1;
}

/* Tangents start as 0; pages that nobody has touched are. */
static odeon_status begin_tangents(dual_device *d, const dual_piece *p)
{
    dual_arena *a = &d->arena;
    uint64_t end = p->at + p->bytes;
    uint64_t used = !a->is_mapped || end < a->touched ? end : a->touched;
    a->touched = end > a->touched ? end : a->touched;
    if (used <= p->at) {
        return ODEON_OK;
    }
    ODEON_TRY(dual_zero_bytes(d->base, &a->zeroing, a->values + a->bytes + p->at, used - p->at));
    return d->base->ops->wait(&a->zeroing);
}

static odeon_status alloc_locked(dual_device *d, uint64_t bytes, void **out)
{
    dual_arena *a = &d->arena;
    ODEON_TRY(open_locked(d));
    ODEON_TRY(reserve_pieces(d, a->n < a->capacity ? a->capacity : 2 * a->capacity));
    int32_t i = bytes <= a->bytes ? find_free(a, bytes) : -1;
    if (i < 0) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM,
                          "dual: no %llu bytes are left in its arena of %llu MiB; make it larger "
                          "(arena=)",
                          (unsigned long long)bytes, (unsigned long long)(a->bytes / mib));
    }
    split(a, i, bytes);
    *out = a->values + a->pieces[i].at;
    return begin_tangents(d, &a->pieces[i]);
}

odeon_status dual_alloc(void *self, uint64_t bytes, void **out)
{
    dual_device *d = self;
    *out = NULL;
    bytes = dual_aligned(bytes > 0 ? bytes : 1); /* not 0, so that addresses differ */
    (void)pthread_mutex_lock(&d->arena.lock);
    odeon_status status = alloc_locked(d, bytes, out);
    (void)pthread_mutex_unlock(&d->arena.lock);
    return status;
}

/* Both halves of a large piece go back to the system, which gives zeros in their place. */
static void return_pages(const dual_arena *a, const dual_piece *p)
{
    uint64_t begin = (p->at + PAGE - 1) / PAGE * PAGE, end = (p->at + p->bytes) / PAGE * PAGE;
    if (a->is_mapped && p->bytes >= worth_returning && end > begin) {
        (void)madvise(a->values + begin, end - begin, MADV_DONTNEED);
        (void)madvise(a->values + a->bytes + begin, end - begin, MADV_DONTNEED);
    }
}

/* The base's free waits for operators of all queues: that of any memory will do. */
static void wait_for_queues(const dual_device *d)
{
    void *any = NULL;
    if (d->base->ops->alloc(d->base->handle, DUAL_ALIGNMENT, &any) == ODEON_OK) {
        d->base->ops->free(d->base->handle, any);
    }
}

void dual_free(void *self, void *memory)
{
    dual_device *d = self;
    dual_arena *a = &d->arena;
    if (memory == NULL) {
        return;
    }
    wait_for_queues(d);
    (void)pthread_mutex_lock(&a->lock);
    for (int32_t i = 0; i < a->n; i++) {
        if (a->values + a->pieces[i].at == (char *)memory) {
            return_pages(a, &a->pieces[i]);
            a->pieces[i].taken = 0;
            join(a, i);
            join(a, i - 1);
            break;
        }
    }
    (void)pthread_mutex_unlock(&a->lock);
}
