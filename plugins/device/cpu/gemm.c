#include <limits.h>

#include "cpu.h"

enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 }; /* values of CBLAS's enums */

/* CBLAS takes int dimensions. */
static int32_t fits(const cpu_product *p)
{
    return p->m <= INT_MAX && p->n <= INT_MAX && p->k <= INT_MAX;
}

/* Row-major and contiguous, so leading dimensions follow from the shapes. An empty sum (k = 0) goes
 * to the own loops, which scale c by beta. */
void cpu_multiply(odeon_queue *queue, const cpu_kernels *k, int32_t dtype, const cpu_product *p,
                  const void *a, const void *b, void *c)
{
    const cpu_blas *blas = &queue->device->blas;
    if (p->m == 0 || p->n == 0) {
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
static int32_t shapes_fit(const cpu_product *p, const odeon_tensor *a, const odeon_tensor *b,
                          const odeon_tensor *c)
{
    return a->ndim == 2 && b->ndim == 2 && c->ndim == 2 && a->dtype == c->dtype &&
           b->dtype == c->dtype && a->dim[p->trans_a ? 1 : 0] == p->m &&
           b->dim[p->trans_b ? 1 : 0] == p->k && b->dim[p->trans_b ? 0 : 1] == p->n;
}

/* a [M,K], b [K,N], as stored or transposed -> c [M,N]. */
odeon_status cpu_gemm(odeon_queue *queue, int32_t trans_a, int32_t trans_b, double alpha,
                      const odeon_tensor *a, const odeon_tensor *b, double beta,
                      const odeon_tensor *c, const odeon_epilogue *epilogue)
{
    const cpu_kernels *k;
    cpu_product p = {trans_a, trans_b, c->dim[0], c->dim[1], a->dim[trans_a ? 0 : 1], alpha, beta};
    ODEON_TRY(cpu_begin(queue, "gemm", c->dtype, &k));
    ODEON_TRY(cpu_require(queue, shapes_fit(&p, a, b, c), "gemm", "op(a) [M,K], op(b) [K,N]"));
    cpu_multiply(queue, k, c->dtype, &p, a->data, b->data, c->data);
    if (epilogue == NULL || odeon_count(c) == 0) {
        return ODEON_OK;
    }
    if (epilogue->bias != NULL) {
        k->bias_columns(epilogue->act, p.m, p.n, epilogue->bias->data, c->data);
    } else if (epilogue->act != ODEON_UNARY_IDENTITY) {
        k->unary(epilogue->act, p.m * p.n, c->data, c->data);
    }
    return ODEON_OK;
}
