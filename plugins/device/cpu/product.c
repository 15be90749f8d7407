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

/* With products = auto a product with a side of SHORT or less is computed by the device's own
 * kernels: OpenBLAS packs both operands and writes c twice, which costs more than such a product.
 * The number of samples, rows of c unless a is transposed, is not looked at, so that no row depends
 * on it. GFLOP/s of OpenBLAS 0.3.21 and own kernels, float32, EPYC 7003, AVX2:
 *
 *   m    n    k    op    OpenBLAS  own      m    n    k    op    OpenBLAS  own
 *   128  16   2028 a bT  59        82       16   10   15   a bT  22        32
 *   128  2028 16   a b   57        72       16   15   10   a b   19        47
 *   16   2028 128  aT b  58        68       10   15   16   aT b  15        49
 *   128  2028 16   a bT  58        72       64   50   2    a bT  18        22
 *   128  16   2028 a b   65        87       64   2    50   a bT  12        16
 *   2028 16   128  aT b  65        78       256  10   2304 a bT  44        70
 *   16   16   128  aT b  56        83       64   784  128  aT b  76        73
 *   128  16   16   a bT  45        75       256  256  256  a b   64        67
 *   1    16   2028 a bT  5         11       512  512  512  a bT  72        61 */
enum { SHORT = 64 };

static int32_t is_own(const cpu_device *d, const cpu_gemm_shape *p)
{
    if (!cpu_has_blas(d) || !fits(p) || p->k == 0) {
        return 1; /* an empty sum: CBLAS does not scale c */
    }
    return d->products == CPU_PRODUCTS_AUTO &&
           (p->n <= SHORT || p->k <= SHORT || (p->trans_a && p->m <= SHORT));
}

/* Row-major and contiguous, so leading dimensions follow from the shapes. */
static void multiply_by_blas(const cpu_blas *blas, uint32_t dtype, const cpu_gemm_shape *p,
                             const void *a, const void *b, void *c)
{
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

/* Without tiles. */
static void multiply_plainly(odeon_queue *queue, const cpu_kernels *k, const cpu_left *left,
                             const void *b, void *c)
{
    static const cpu_epilogue nothing;
    const cpu_queue *q = cpu_queue_of(queue);
    if (q->rows_apart || is_own(q->device, left->shape)) {
        k->gemm(left->shape, &nothing, left->a, b, c, q->workspace);
    } else {
        multiply_by_blas(&q->device->library, left->dtype, left->shape, left->a, b, c);
    }
}

/* A right factor with a number that has no parts, as infinity, is not for tiles. */
void cpu_multiply_left(odeon_queue *queue, const cpu_kernels *k, const cpu_left *left,
                       const void *b, void *c)
{
    if (!cpu_tiles_multiply(queue, left, b, c)) {
        multiply_plainly(queue, k, left, b, c);
    }
}

void cpu_multiply(odeon_queue *queue, const cpu_kernels *k, uint32_t dtype, const cpu_gemm_shape *p,
                  const void *a, const void *b, void *c)
{
    if (p->m > 0 && p->n > 0) {
        const cpu_left left = cpu_left_of(queue, dtype, p, a);
        cpu_multiply_left(queue, k, &left, b, c);
    }
}

/* As cpu_multiply, then bias (NULL: none) and act. The own kernels add bias and apply ReLU to a
 * tile before they write it. */
static void multiply_and_finish(odeon_queue *queue, const cpu_kernels *k, const odeon_gemm *call,
                                const cpu_gemm_shape *p)
{
    const cpu_queue *q = cpu_queue_of(queue);
    const void *a = odeon_read(call->a), *b = odeon_read(call->b);
    const void *bias = read_or_null(call->bias);
    void *c = odeon_write(call->c);
    int32_t act = call->act;
    uint32_t dtype = call->c->view.shape.dtype;
    if ((q->rows_apart || is_own(q->device, p)) && !cpu_on_tiles(q->device, dtype, p)) {
        const cpu_epilogue e = {.bias = bias, .relu = act == ODEON_UNARY_RELU};
        k->gemm(p, &e, a, b, c, q->workspace);
        act = e.relu ? ODEON_UNARY_IDENTITY : act;
    } else {
        cpu_multiply(queue, k, dtype, p, a, b, c);
        if (bias != NULL) {
            k->bias_columns(act, p->m, p->n, bias, c);
            return;
        }
    }
    if (act != ODEON_UNARY_IDENTITY) {
        k->unary(act, p->m * p->n, c, c);
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
    if (p.m > 0 && p.n > 0) {
        multiply_and_finish(queue, k, call, &p);
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
    .dense_vjp_scratch = cpu_dense_vjp_scratch,
    .dense_vjp = cpu_dense_vjp,
};
