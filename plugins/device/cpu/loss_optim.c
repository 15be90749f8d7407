#include "cpu.h"

/* x [B,K], labels I64 [B] -> sums F64 [2], dx [B,K] or NULL. */
odeon_status cpu_softmax_cross_entropy(odeon_queue *queue, const odeon_tensor *x,
                                       const odeon_tensor *labels, double weight,
                                       const odeon_tensor *sums, const odeon_tensor *dx)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "softmax_cross_entropy", x->dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          x->ndim == 2 && labels->dtype == ODEON_DTYPE_I64 &&
                              odeon_count(labels) == x->dim[0] && sums->dtype == ODEON_DTYPE_F64 &&
                              odeon_count(sums) == 2 && (dx == NULL || cpu_alike(x, dx)),
                          "softmax_cross_entropy", "x, dx[B,K], labels I64 [B], sums F64 [2]"));
    k->softmax_cross_entropy(x->dim[0], x->dim[1], x->data, labels->data, weight, sums->data,
                             dx != NULL ? dx->data : NULL);
    return ODEON_OK;
}

static int32_t absent_or_alike(const odeon_tensor *a, const odeon_tensor *x)
{
    return a == NULL || cpu_alike(a, x);
}

static void *data_of(const odeon_tensor *x)
{
    return x != NULL ? x->data : NULL;
}

/* x, target, mask or NULL, dx or NULL of one count -> sums F64 [2]. */
odeon_status cpu_difference_loss(odeon_queue *queue, int32_t kind, double beta,
                                 const odeon_tensor *x, const odeon_tensor *target,
                                 const odeon_tensor *mask, double weight, const odeon_tensor *sums,
                                 const odeon_tensor *dx)
{
    const cpu_kernels *k;
    const cpu_difference constants = {.kind = kind, .beta = beta, .weight = weight};
    ODEON_TRY(cpu_begin(queue, "difference_loss", x->dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          kind >= 0 && kind < ODEON_DIFFERENCE_COUNT && cpu_alike(x, target) &&
                              absent_or_alike(mask, x) && absent_or_alike(dx, x) &&
                              sums->dtype == ODEON_DTYPE_F64 && odeon_count(sums) == 2,
                          "difference_loss",
                          "x, target, mask, dx of one dtype and count, sums F64 [2]"));
    k->difference(odeon_count(x), &constants, x->data, target->data, data_of(mask), sums->data,
                  data_of(dx));
    return ODEON_OK;
}

/* p, g, v [n]; v may be NULL without momentum. */
odeon_status cpu_sgd_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                          const odeon_tensor *v, double lr, double momentum, double decay,
                          int32_t nesterov, int32_t first)
{
    const cpu_kernels *k;
    const cpu_sgd constants = {lr, momentum, decay, nesterov, first};
    ODEON_TRY(cpu_begin(queue, "sgd_step", p->dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          cpu_alike(p, g) && (momentum == 0.0 || (v != NULL && cpu_alike(p, v))),
                          "sgd_step", "p, g, v of one dtype and count"));
    k->sgd(odeon_count(p), &constants, p->data, g->data, v != NULL ? v->data : NULL);
    return ODEON_OK;
}

/* p, g, m, v [n]. */
odeon_status cpu_adam_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                           const odeon_tensor *m, const odeon_tensor *v,
                           const odeon_adam *constants)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "adam_step", p->dtype, &k));
    ODEON_TRY(cpu_require(queue, cpu_alike(p, g) && cpu_alike(p, m) && cpu_alike(p, v), "adam_step",
                          "p, g, m, v of one dtype and count"));
    k->adam(odeon_count(p), constants, p->data, g->data, m->data, v->data);
    return ODEON_OK;
}

/* p, g, v [n]; mean and buffer [n] or NULL. */
odeon_status cpu_rmsprop_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                              const odeon_tensor *v, const odeon_tensor *mean,
                              const odeon_tensor *buffer, const odeon_rmsprop *constants)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "rmsprop_step", p->dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          cpu_alike(p, g) && cpu_alike(p, v) && absent_or_alike(mean, p) &&
                              absent_or_alike(buffer, p),
                          "rmsprop_step", "p, g, v, mean, buffer of one dtype and count"));
    k->rmsprop(odeon_count(p), constants, p->data, g->data, v->data, data_of(mean),
               data_of(buffer));
    return ODEON_OK;
}
