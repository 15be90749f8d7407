#include "cpu.h"
#include "odeon/device_loss.h"

static odeon_status weighed_cross_entropy(odeon_queue *queue, const cpu_kernels *k,
                                          const odeon_softmax_cross_entropy *call)
{
    const odeon_shape *x = &call->x->shape;
    const odeon_view *mask = call->mask;
    int fits =
        mask == NULL || (mask->shape.dtype == x->dtype && odeon_count(&mask->shape) == x->dim[0]);
    ODEON_TRY(cpu_require(queue, fits && (call->class_weight == NULL || call->n == x->dim[1]),
                          "softmax_cross_entropy", "mask [B], class_weight [K]"));
    k->weighed_cross_entropy(call, odeon_read(call->x), odeon_read(call->labels),
                             read_or_null(mask), odeon_write(call->sums), write_or_null(call->dx));
    return ODEON_OK;
}

/* x [B,K], labels I64 [B] -> sums F64 [2], dx [B,K] or NULL. */
static odeon_status cpu_softmax_cross_entropy(odeon_queue *queue,
                                              const odeon_softmax_cross_entropy *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "softmax_cross_entropy",
                        call->flags & ~(uint32_t)ODEON_CROSS_ENTROPY_WEIGHED, call->x->shape.dtype,
                        &k));
    ODEON_TRY(cpu_require(queue,
                          call->x->shape.ndim == 2 &&
                              call->labels->shape.dtype == ODEON_DTYPE_I64 &&
                              odeon_count(&call->labels->shape) == call->x->shape.dim[0] &&
                              call->sums->view.shape.dtype == ODEON_DTYPE_F64 &&
                              odeon_count(&call->sums->view.shape) == 2 &&
                              cpu_absent_or_alike(odeon_as_view(call->dx), &call->x->shape),
                          "softmax_cross_entropy", "x, dx[B,K], labels I64 [B], sums F64 [2]"));
    if ((call->flags & ODEON_CROSS_ENTROPY_WEIGHED) != 0) {
        return weighed_cross_entropy(queue, k, call);
    }
    k->softmax_cross_entropy(call->x->shape.dim[0], call->x->shape.dim[1], odeon_read(call->x),
                             odeon_read(call->labels), call->weight, odeon_write(call->sums),
                             write_or_null(call->dx));
    return ODEON_OK;
}

/* x, target, mask or NULL, dx or NULL of one count -> sums F64 [2]. */
static odeon_status cpu_difference_loss(odeon_queue *queue, const odeon_difference_loss *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "difference_loss", call->flags, call->x->shape.dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          call->kind >= 0 && call->kind < ODEON_DIFFERENCE_COUNT &&
                              cpu_alike(&call->x->shape, &call->target->shape) &&
                              cpu_absent_or_alike(call->mask, &call->x->shape) &&
                              cpu_absent_or_alike(odeon_as_view(call->dx), &call->x->shape) &&
                              call->sums->view.shape.dtype == ODEON_DTYPE_F64 &&
                              odeon_count(&call->sums->view.shape) == 2,
                          "difference_loss",
                          "x, target, mask, dx of one dtype and count, sums F64 [2]"));
    k->difference(odeon_count(&call->x->shape), call, odeon_read(call->x), odeon_read(call->target),
                  read_or_null(call->mask), odeon_write(call->sums), write_or_null(call->dx));
    return ODEON_OK;
}

const odeon_loss_family cpu_loss = {
    .struct_size = sizeof(odeon_loss_family),
    .softmax_cross_entropy = cpu_softmax_cross_entropy,
    .difference_loss = cpu_difference_loss,
};
