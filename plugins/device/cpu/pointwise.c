#include "cpu.h"
#include "odeon/device_pointwise.h"

/* Numbers of a pointwise operator; what it does with a part of them. */
typedef struct numbers numbers;
struct numbers {
    const cpu_kernels *k;
    void (*compute)(const numbers *n, int64_t count, const char *a, const char *b, char *y);
    int32_t id, bytes; /* bytes of a number */
    int64_t count;
    const void *a, *b; /* b: NULL where there is one operand */
    void *y;
};

static void compute_part(void *arg, int32_t part, int32_t parts)
{
    const numbers *n = arg;
    cpu_range r = cpu_threads_range(n->count, part, parts);
    int64_t at = r.first * n->bytes;
    n->compute(n, r.count, (const char *)n->a + at, n->b != NULL ? (const char *)n->b + at : NULL,
               (char *)n->y + at);
}

static void compute(odeon_queue *queue, numbers n, const odeon_shape *shape)
{
    cpu_threads *threads = cpu_queue_of(queue)->threads;
    n.bytes = (int32_t)odeon_dtype_bytes(shape->dtype);
    n.count = odeon_count(shape);
    cpu_threads_run(threads, cpu_threads_parts(threads, n.count), compute_part, &n);
}

static void unary_part(const numbers *n, int64_t count, const char *a, const char *b, char *y)
{
    (void)b;
    n->k->unary(n->id, count, a, y);
}

static void unary_vjp_part(const numbers *n, int64_t count, const char *a, const char *b, char *y)
{
    n->k->unary_vjp(n->id, count, a, b, y);
}

static void binary_part(const numbers *n, int64_t count, const char *a, const char *b, char *y)
{
    n->k->binary(n->id, count, a, b, y);
}

/* x, y: any shapes of one dtype and count; so are all tensors below. */
static odeon_status cpu_unary(odeon_queue *queue, const odeon_unary *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "unary", call->flags, call->x->shape.dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          call->id >= 0 && call->id < ODEON_UNARY_COUNT &&
                              cpu_alike(&call->x->shape, &call->y->view.shape),
                          "unary", "x, y of one dtype and count with a known function"));
    compute(queue,
            (numbers){.k = k,
                      .compute = unary_part,
                      .id = call->id,
                      .a = odeon_read(call->x),
                      .y = odeon_write(call->y)},
            &call->x->shape);
    return ODEON_OK;
}

static odeon_status cpu_unary_vjp(odeon_queue *queue, const odeon_unary_vjp *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "unary_vjp", call->flags, call->dy->shape.dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          call->id >= 0 && call->id < ODEON_UNARY_COUNT &&
                              cpu_alike(&call->kept->shape, &call->dy->shape) &&
                              cpu_alike(&call->dy->shape, &call->dx->view.shape),
                          "unary_vjp",
                          "kept, dy, dx of one dtype and count with a known function"));
    compute(queue,
            (numbers){.k = k,
                      .compute = unary_vjp_part,
                      .id = call->id,
                      .a = odeon_read(call->kept),
                      .b = odeon_read(call->dy),
                      .y = odeon_write(call->dx)},
            &call->dy->shape);
    return ODEON_OK;
}

static odeon_status cpu_binary(odeon_queue *queue, const odeon_binary *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "binary", call->flags, call->y->view.shape.dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          call->id >= 0 && call->id < ODEON_BINARY_COUNT &&
                              cpu_alike(&call->a->shape, &call->y->view.shape) &&
                              cpu_alike(&call->b->shape, &call->y->view.shape),
                          "binary", "a, b, y of one dtype and count with a known function"));
    compute(queue,
            (numbers){.k = k,
                      .compute = binary_part,
                      .id = call->id,
                      .a = odeon_read(call->a),
                      .b = odeon_read(call->b),
                      .y = odeon_write(call->y)},
            &call->y->view.shape);
    return ODEON_OK;
}

static odeon_status cpu_power(odeon_queue *queue, const odeon_power *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "power", call->flags, call->x->shape.dtype, &k));
    ODEON_TRY(cpu_require(queue, cpu_alike(&call->x->shape, &call->y->view.shape), "power",
                          "x, y of one dtype and count"));
    k->power(odeon_count(&call->x->shape), call->scale, call->exponent, odeon_read(call->x),
             odeon_write(call->y));
    return ODEON_OK;
}

const odeon_pointwise_family cpu_pointwise = {
    .struct_size = sizeof(odeon_pointwise_family),
    .unary = cpu_unary,
    .unary_vjp = cpu_unary_vjp,
    .binary = cpu_binary,
    .power = cpu_power,
};
