#include <limits.h>

#include "cpu.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"

enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 }; /* values of CBLAS's enums */

/* CBLAS takes int dimensions. */
static int32_t fits(const cpu_gemm_shape *p)
{
    return p->m <= INT_MAX && p->n <= INT_MAX && p->k <= INT_MAX;
}

/* Row-major and contiguous, so leading dimensions follow from the shapes. An empty sum (k = 0) goes
 * to the own loops, which scale c by beta. */
void cpu_multiply(odeon_queue *queue, const cpu_kernels *k, uint32_t dtype, const cpu_gemm_shape *p,
                  const void *a, const void *b, void *c)
{
    const cpu_blas *blas = &cpu_queue_of(queue)->device->library;
    if (p->m == 0 || p->n == 0) {
        return;
    }
    if (dtype == ODEON_DTYPE_F32 && cpu_multiply_on_tiles(cpu_queue_of(queue), p, a, b, c)) {
        return;
    }
    if (blas->handle == NULL || p->k == 0 || !fits(p)) {
        k->gemm(p, a, b, c);
        return;
    }
    int m = (int)p->m, n = (int)p->n, depth = (int)p->k;
    int trans_a = p->trans_a ? TRANSPOSED : PLAIN, pitch_a = p->trans_a ? m : depth;
    int trans_b = p->trans_b ? TRANSPOSED : PLAIN, pitch_b = p->trans_b ? depth : n;
    if (dtype == ODEON_DTYPE_F32) {
        blas->sgemm(ROW_MAJOR, trans_a, trans_b, m, n, depth, (float)p->alpha, a, pitch_a, b,
                    pitch_b, (float)p->beta, c, n);
    } else {
        blas->dgemm(ROW_MAJOR, trans_a, trans_b, m, n, depth, p->alpha, a, pitch_a, b, pitch_b,
                    p->beta, c, n);
    }
}

/* op(a) [M,K], op(b) [K,N], c [M,N] of one dtype. */
static int32_t shapes_fit(const cpu_gemm_shape *p, const odeon_shape *a, const odeon_shape *b,
                          const odeon_shape *c)
{
    return a->ndim == 2 && b->ndim == 2 && c->ndim == 2 && a->dtype == c->dtype &&
           b->dtype == c->dtype && a->dim[p->trans_a ? 1 : 0] == p->m &&
           b->dim[p->trans_b ? 1 : 0] == p->k && b->dim[p->trans_b ? 0 : 1] == p->n;
}

/* a [M,K], b [K,N], as stored or transposed -> c [M,N]. */
static odeon_status cpu_gemm(odeon_queue *queue, const odeon_gemm *call)
{
    const cpu_kernels *k;
    cpu_gemm_shape p = {call->trans_a,
                        call->trans_b,
                        call->c->view.shape.dim[0],
                        call->c->view.shape.dim[1],
                        call->a->shape.dim[call->trans_a ? 0 : 1],
                        call->alpha,
                        call->beta};
    ODEON_TRY(cpu_begin(queue, "gemm", call->flags, call->c->view.shape.dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          shapes_fit(&p, &call->a->shape, &call->b->shape, &call->c->view.shape),
                          "gemm", "op(a) [M,K], op(b) [K,N]"));
    cpu_multiply(queue, k, call->c->view.shape.dtype, &p, odeon_read(call->a), odeon_read(call->b),
                 odeon_write(call->c));
    if (odeon_count(&call->c->view.shape) == 0) {
        return ODEON_OK;
    }
    if (call->bias != NULL) {
        k->bias_columns(call->act, p.m, p.n, odeon_read(call->bias), odeon_write(call->c));
    } else if (call->act != ODEON_UNARY_IDENTITY) {
        k->unary(call->act, p.m * p.n, odeon_write(call->c), odeon_write(call->c));
    }
    return ODEON_OK;
}

/* x [B,C,S]; adds to bias [C]. */
static odeon_status cpu_channel_sum(odeon_queue *queue, const odeon_channel_sum *call)
{
    const cpu_kernels *k;
    const odeon_shape *x = &call->x->shape, *bias = &call->bias->view.shape;
    ODEON_TRY(cpu_begin(queue, "channel_sum", call->flags, x->dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          x->ndim == 3 && bias->dtype == x->dtype && odeon_count(bias) == x->dim[1],
                          "channel_sum", "x[B,C,S], bias[C]"));
    if (odeon_count(x) > 0) {
        const cpu_groups g = {
            .batch = x->dim[0], .channels = x->dim[1], .space = x->dim[2], .groups = 1};
        k->channel_sum(&g, odeon_read(call->x), odeon_write(call->bias));
    }
    return ODEON_OK;
}

const odeon_product_family cpu_product = {
    .struct_size = sizeof(odeon_product_family),
    .gemm = cpu_gemm,
    .channel_sum = cpu_channel_sum,
};
