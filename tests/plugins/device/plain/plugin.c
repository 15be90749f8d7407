/* plain: a device that multiplies matrices by three loops and takes everything else from the device
 * cpu, memory and queues too. It is all that a device has to be: copy the table of the base and
 * replace what is to be another. */
#include "odeon/plugin.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"
#include "odeon/host.h"

#include <string.h>

typedef struct plain {
    ODEON_INSTANCE;
    const odeon_device *base;
    odeon_product_family product; /* the base's, but for gemm */
} plain;

/* Memory of the device cpu is the host's, so that addresses can be followed here. */
static double load(const odeon_view *x, int64_t i)
{
    return x->shape.dtype == ODEON_DTYPE_F32 ? (double)((const float *)odeon_read(x))[i]
                                             : ((const double *)odeon_read(x))[i];
}

static void store(const odeon_tensor *x, int64_t i, double value)
{
    if (x->view.shape.dtype == ODEON_DTYPE_F32) {
        ((float *)odeon_write(x))[i] = (float)value;
    } else {
        ((double *)odeon_write(x))[i] = value;
    }
}

/* Element [m,n] of op(a) op(b), of K terms. */
static double product_at(const odeon_gemm *call, int64_t m, int64_t n, int64_t K)
{
    int64_t M = call->c->view.shape.dim[0], N = call->c->view.shape.dim[1];
    double sum = 0.0;
    for (int64_t k = 0; k < K; k++) {
        sum += load(call->a, call->trans_a ? k * M + m : m * K + k) *
               load(call->b, call->trans_b ? n * K + k : k * N + n);
    }
    return sum;
}

/* The queue is the base's, and its self is this device. With beta 0 c is not read. */
static odeon_status gemm(odeon_queue *queue, const odeon_gemm *call)
{
    const plain *self = queue->self;
    const odeon_shape *c = &call->c->view.shape;
    if (call->flags != 0) {
        return odeon_fail(self->host, ODEON_ERR_UNSUPPORTED, "gemm: unknown flags %#x",
                          (unsigned)call->flags);
    }
    if (c->dtype != ODEON_DTYPE_F32 && c->dtype != ODEON_DTYPE_F64) {
        return odeon_fail(self->host, ODEON_ERR_UNSUPPORTED,
                          "gemm: dtype %#x is neither float32 nor float64", (unsigned)c->dtype);
    }
    int64_t K = call->a->shape.dim[call->trans_a ? 0 : 1];
    for (int64_t m = 0; m < c->dim[0]; m++) {
        for (int64_t n = 0; n < c->dim[1]; n++) {
            int64_t i = m * c->dim[1] + n;
            double value = call->alpha * product_at(call, m, n, K);
            value += call->beta != 0.0 ? call->beta * load(&call->c->view, i) : 0.0;
            store(call->c, i, value + (call->bias != NULL ? load(call->bias, n) : 0.0));
        }
    }
    return call->act == ODEON_UNARY_IDENTITY
               ? ODEON_OK
               : ODEON_DO(self->base, pointwise, unary, queue, .x = &call->c->view, .y = call->c,
                          .id = call->act);
}

/* ---- the device ---- */

static const char *base(void *self)
{
    (void)self;
    return "cpu";
}

static odeon_status attach(void *self, const odeon_device *of)
{
    plain *d = self;
    d->base = of;
    d->product = (odeon_product_family){
        .struct_size = sizeof d->product, .gemm = gemm, .channel_sum = of->product->channel_sum};
    return ODEON_OK;
}

static odeon_status probe(void *self)
{
    const plain *d = self;
    return d->base->ops->probe(d->base->self);
}

static odeon_status describe(void *self, char *text, uint64_t bytes)
{
    (void)self;
    (void)snprintf(text, bytes, "three loops, the rest as cpu");
    return ODEON_OK;
}

static const void *get_table(void *self, const char *id)
{
    const plain *d = self;
    return strcmp(id, ODEON_FAMILY(product)) == 0 ? &d->product : NULL;
}

static const odeon_device_ops ops = {
    .struct_size = sizeof ops,
    .rank = 0,
    .base = base,
    .attach = attach,
    .probe = probe,
    .describe = describe,
    .get_table = get_table,
};

ODEON_PLUGIN_OPTIONS(DEVICE, "plain", &ops,
                     "the device cpu with another product of matrices, for tests", NULL, NULL,
                     plain, NULL, NULL, NULL);
