/* The vjp of self-attention, from what forward kept: the parts, the weights and the merged heads.
 */
#include <math.h>

#include "../common/shape.h"
#include "attention.h"
#include "odeon/device_norm.h"
#include "odeon/device_product.h"

/* c = alpha op(a) op(b), of every head and sample. */
static odeon_status multiply(const attention_call *a, double alpha, const odeon_tensor *x,
                             int32_t trans_x, const odeon_tensor *y, int32_t trans_y,
                             const odeon_tensor *c)
{
    return ODEON_DO(a->call->device, product, gemm_batch, a->call->queue, .alpha = alpha,
                    .a = &x->view, .trans_a = trans_x, .b = &y->view, .trans_b = trans_y, .c = c);
}

/* dW += dy^T x and db += column sums of dy, rows all of them. */
static odeon_status add_gradients(const attention_call *a, int32_t weight, const odeon_view *dy,
                                  const odeon_view *x)
{
    const odeon_layer_call *call = a->call;
    odeon_view channels = shape_channels_view(dy);
    ODEON_TRY(ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = dy,
                       .trans_a = 1, .b = x, .beta = 1.0,
                       .c = &call->grad[attention_at(a->layer, weight)]));
    return a->layer->bias == 0
               ? ODEON_OK
               : ODEON_DO(call->device, product, channel_sum, call->queue, .x = &channels,
                          .bias = &call->grad[weight + B_IN - W_IN]);
}

/* dx = dy W of rows. */
static odeon_status back(const attention_call *a, int32_t weight, const odeon_view *dy,
                         const odeon_tensor *dx)
{
    return ODEON_DO(a->call->device, product, gemm, a->call->queue, .alpha = 1.0, .a = dy,
                    .b = &a->call->param[attention_at(a->layer, weight)], .c = dx);
}

/* From the heads' cotangent, in split, to bar: with P the weights, S what they are a softmax of,
 * dV = P^T dy, dP = dy V^T, dQ = dS K / sqrt(size), dK = dS^T Q / sqrt(size). */
static odeon_status heads_back(const attention_call *a)
{
    double scale = 1.0 / sqrt((double)a->size);
    ODEON_TRY(multiply(a, 1.0, &a->weights, 1, &a->split, 0, &a->bar[VALUE]));
    ODEON_TRY(multiply(a, 1.0, &a->split, 0, &a->part[VALUE], 1, &a->weights_bar));
    ODEON_TRY(ODEON_DO(a->call->device, norm, softmax_vjp, a->call->queue, .y = &a->weights.view,
                       .dy = &a->weights_bar.view, .dx = &a->weights_bar));
    ODEON_TRY(multiply(a, scale, &a->weights_bar, 0, &a->part[KEY], 0, &a->bar[QUERY]));
    return multiply(a, scale, &a->weights_bar, 1, &a->part[QUERY], 0, &a->bar[KEY]);
}

/* in, d_out [B,T,D] -> d_in; adds to the gradients. The memory of rows serves the cotangent of the
 * merged heads first. */
odeon_status attention_vjp(void *self, const odeon_layer_call *call)
{
    attention_call a = attention_begin(self, call, &call->in->shape);
    odeon_view x = attention_matrix(call->in, a.features);
    odeon_view dy = attention_matrix(call->d_out, a.features);
    odeon_tensor merged_bar = shape_tensor(&a.rows, a.merged.view.shape);
    ODEON_TRY(call->grad != NULL ? add_gradients(&a, W_OUT, &dy, &a.merged.view) : ODEON_OK);
    ODEON_TRY(back(&a, W_OUT, &dy, &merged_bar));
    ODEON_TRY(attention_split(&a, &merged_bar.view, a.features, 0, &a.split));
    ODEON_TRY(heads_back(&a));
    for (int32_t i = 0; i < N_PARTS; i++) {
        ODEON_TRY(
            attention_merge(&a, &a.bar[i].view, &a.rows, N_PARTS * a.features, i * a.features));
    }
    ODEON_TRY(call->grad != NULL ? add_gradients(&a, W_IN, &a.rows.view, &x) : ODEON_OK);
    if (call->d_in == NULL) {
        return ODEON_OK;
    }
    odeon_tensor dx = {attention_matrix(&call->d_in->view, a.features)};
    return back(&a, W_IN, &a.rows.view, &dx);
}
