/* Queues, transfers, the workspace of rules, and the services of device_dual.h. */
#include "dual.h"

#include <string.h>

#include "odeon/device_pointwise.h"
#include "odeon/device_solver.h"

odeon_status dual_expect(const dual_queue *q, const char *name, int32_t known, uint32_t flags)
{
    if (known && flags == 0) {
        return ODEON_OK;
    }
    return odeon_fail(q->device->host, ODEON_ERR_UNSUPPORTED,
                      known
                          ? "dual: %s: there is no rule of derivatives for its flags 0x%x"
                          : "dual: %s: its call has fields that there is no rule for (flags 0x%x)",
                      name, (unsigned)flags);
}

/* ---- queues ---- */

odeon_status dual_queue_create(void *self, int32_t worker, void **out)
{
    dual_device *d = self;
    *out = NULL;
    ODEON_TRY(dual_arena_open(d));
    dual_queue *q = d->host->alloc(d->host, sizeof *q);
    if (q == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "dual: no memory for a queue");
    }
    *q = (dual_queue){.device = d,
                      .on = d->base,
                      .base = {.self = d->base->self},
                      .distance = (ptrdiff_t)d->arena.bytes};
    odeon_status status = d->base->ops->queue_create(d->base->handle, worker, &q->base.handle);
    if (status != ODEON_OK) {
        d->host->free(d->host, q);
        return status;
    }
    *out = q;
    return ODEON_OK;
}

static void drop_chunks(dual_queue *q)
{
    for (int32_t i = 0; i < q->n_chunks; i++) {
        q->on->ops->free(q->on->handle, q->chunks[i].data);
    }
    q->n_chunks = 0;
}

void dual_queue_destroy(void *self, void *handle)
{
    dual_device *d = self;
    dual_queue *q = handle;
    if (q != NULL) {
        drop_chunks(q);
        q->on->ops->queue_destroy(q->on->handle, q->base.handle);
        d->host->free(d->host, q);
    }
}

/* ---- workspace ---- */

static odeon_status add_chunk(dual_queue *q, uint64_t bytes)
{
    void *memory = NULL;
    ODEON_TRY(q->on->ops->alloc(q->on->handle, bytes, &memory));
    q->chunks[q->n_chunks++] = (dual_chunk){.data = memory, .bytes = bytes};
    return ODEON_OK;
}

static uint64_t workspace_bytes(const dual_queue *q)
{
    uint64_t all = 0;
    for (int32_t i = 0; i < q->n_chunks; i++) {
        all += q->chunks[i].bytes;
    }
    return all;
}

/* One chunk of so many bytes in place of those that there are; free waits for what uses them. */
static odeon_status renew(dual_queue *q, uint64_t bytes)
{
    drop_chunks(q);
    return add_chunk(q, bytes);
}

odeon_status dual_begin(dual_queue *q)
{
    for (int32_t i = 0; i < q->n_chunks; i++) {
        q->chunks[i].used = 0;
    }
    return q->n_chunks > 1 ? renew(q, workspace_bytes(q)) : ODEON_OK;
}

odeon_status dual_temp(dual_queue *q, const odeon_shape *shape, odeon_tensor *out)
{
    uint64_t bytes = dual_aligned((uint64_t)odeon_bytes(shape));
    dual_chunk *c = q->n_chunks > 0 ? &q->chunks[q->n_chunks - 1] : NULL;
    if (c == NULL || c->bytes - c->used < bytes) {
        uint64_t more = 4 * bytes + DUAL_ALIGNMENT, twice = c != NULL ? 2 * c->bytes : 0;
        if (q->n_chunks == DUAL_CHUNKS) {
            return odeon_fail(q->device->host, ODEON_ERR_INTERNAL,
                              "dual: a rule has no room for its temporaries");
        }
        ODEON_TRY(add_chunk(q, twice > more ? twice : more));
        c = &q->chunks[q->n_chunks - 1];
    }
    *out = odeon_tensor_at(c->data + c->used, *shape);
    c->used += bytes;
    return ODEON_OK;
}

odeon_status dual_temp_f64(dual_queue *q, int32_t ndim, const int64_t *dim, odeon_tensor *out)
{
    odeon_shape shape = {.ndim = ndim, .dtype = ODEON_DTYPE_F64};
    memcpy(shape.dim, dim, (size_t)ndim * sizeof *dim);
    return dual_temp(q, &shape, out);
}

/* ---- small steps ---- */

int32_t dual_is_constant(const dual_queue *q, const odeon_view *x)
{
    if (x == NULL) {
        return 1;
    }
    uintptr_t at = (uintptr_t)odeon_read(x), begin = (uintptr_t)q->constant;
    return at >= begin && at - begin < q->constant_bytes;
}

odeon_status dual_add(dual_queue *q, double factor, const odeon_view *x, const odeon_tensor *y)
{
    odeon_scalar by = odeon_imm(factor);
    return ON(q, solver, lincomb, .y = y, .base = &y->view, .n = 1, .x = &x, .coefficient = &by);
}

odeon_status dual_scale(dual_queue *q, double factor, const odeon_view *x, const odeon_tensor *y)
{
    odeon_scalar by = odeon_imm(factor);
    return ON(q, solver, lincomb, .y = y, .n = 1, .x = &x, .coefficient = &by);
}

odeon_status dual_zero(dual_queue *q, const odeon_tensor *y)
{
    return ON(q, move, fill, .y = y, .value = odeon_imm(0.0));
}

odeon_status dual_multiply(dual_queue *q, const odeon_view *a, const odeon_view *b,
                           const odeon_tensor *y)
{
    return ON(q, pointwise, binary, .id = ODEON_BINARY_MUL, .a = a, .b = b, .y = y);
}

odeon_status dual_inner(dual_queue *q, const odeon_view *a, const odeon_view *b,
                        const odeon_tensor *out)
{
    odeon_tensor slots;
    ODEON_TRY(dual_temp_f64(q, 1, (int64_t[]){ODEON_SLOTS}, &slots));
    ODEON_TRY(ON(q, solver, dot, .a = a, .b = b, .slots = odeon_write(&slots), .slot = 0));
    slots.view.shape.dim[0] = 1;
    return ON(q, move, copy, .x = &slots.view, .y = out);
}

/* By fill where the bytes can be taken for numbers, as almost all can. */
odeon_status dual_zero_bytes(const odeon_device *base, odeon_queue *queue, char *to, uint64_t bytes)
{
    static const char zeros[4096];
    if (bytes % sizeof(float) == 0 && (uintptr_t)to % sizeof(float) == 0) {
        odeon_shape shape = {
            .ndim = 1, .dtype = ODEON_DTYPE_F32, .dim = {(int64_t)(bytes / sizeof(float))}};
        odeon_tensor y = odeon_tensor_at(to, shape);
        return ODEON_DO(base, move, fill, queue, .y = &y, .value = odeon_imm(0.0));
    }
    for (uint64_t at = 0; at < bytes; at += sizeof zeros) {
        uint64_t n = bytes - at < sizeof zeros ? bytes - at : sizeof zeros;
        ODEON_TRY(base->ops->upload(queue, to + at, zeros, n));
    }
    return ODEON_OK;
}

/* ---- transfers ---- */

odeon_status dual_upload(odeon_queue *queue, void *to, const void *from, uint64_t bytes)
{
    dual_queue *q = queue->handle;
    ODEON_TRY(q->on->ops->upload(&q->base, to, from, bytes));
    return dual_zero_bytes(q->on, &q->base, (char *)to + q->distance, bytes);
}

odeon_status dual_download(odeon_queue *queue, void *to, const void *from, uint64_t bytes)
{
    dual_queue *q = queue->handle;
    return q->on->ops->download(&q->base, to, from, bytes);
}

odeon_status dual_wait(odeon_queue *queue)
{
    dual_queue *q = queue->handle;
    return q->on->ops->wait(&q->base);
}

odeon_status dual_slots_read(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                             double *values)
{
    dual_queue *q = queue->handle;
    return q->on->ops->slots_read(&q->base, slots, first, n, values);
}

/* ---- services ---- */

static odeon_status tangent_set(odeon_queue *queue, void *value, const void *source, uint64_t bytes)
{
    dual_queue *q = queue->handle;
    return q->on->ops->upload(&q->base, (char *)value + q->distance, source, bytes);
}

static odeon_status tangent_get(odeon_queue *queue, void *destination, const void *value,
                                uint64_t bytes)
{
    dual_queue *q = queue->handle;
    return q->on->ops->download(&q->base, destination, (const char *)value + q->distance, bytes);
}

static void *tangent(const odeon_device *device, const void *value)
{
    const dual_device *d = device->self;
    return (void *)((uintptr_t)value + (uintptr_t)d->arena.bytes);
}

static odeon_status constant(odeon_queue *queue, const void *begin, uint64_t bytes)
{
    dual_queue *q = queue->handle;
    q->constant = begin;
    q->constant_bytes = bytes;
    return ODEON_OK;
}

static const odeon_device *plain(const odeon_device *device)
{
    const dual_device *d = device->self;
    return d->base;
}

static odeon_queue *plain_queue(odeon_queue *queue)
{
    dual_queue *q = queue->handle;
    return &q->base;
}

static odeon_status workspace(odeon_queue *queue, uint64_t at_least, uint64_t *bytes)
{
    dual_queue *q = queue->handle;
    if (workspace_bytes(q) < at_least) {
        ODEON_TRY(renew(q, dual_aligned(at_least)));
    }
    if (bytes != NULL) {
        *bytes = workspace_bytes(q);
    }
    return ODEON_OK;
}

const odeon_device_dual dual_services = {
    .struct_size = sizeof(odeon_device_dual),
    .tangent_set = tangent_set,
    .tangent_get = tangent_get,
    .tangent = tangent,
    .constant = constant,
    .plain = plain,
    .plain_queue = plain_queue,
    .workspace = workspace,
};

/* ---- of bases made for tests ---- */

static odeon_status poison(odeon_queue *queue, void *memory, uint64_t bytes)
{
    dual_queue *q = queue->handle;
    const odeon_device_poison *base = q->device->poison;
    ODEON_TRY(base->poison(&q->base, memory, bytes));
    return base->poison(&q->base, (char *)memory + q->distance, bytes);
}

const odeon_device_poison dual_poison = {.struct_size = sizeof dual_poison, .poison = poison};
