/* Where the layers of a network find their parameters. Layers keep views and tensors and not
 * offsets, so that a call of a layer costs no arithmetic; all of them are set anew when a flat
 * vector moves. */
#include "net/net.h"

/* The parameter's shape over the memory that begins at element 0 of a flat vector. */
static odeon_tensor part_of(const param *p, char *base)
{
    return odeon_tensor_at(base + p->offset * odeon_dtype_bytes(p->shape.dtype), p->shape);
}

/* A layer's parameters are views, since only an update writes them; its gradients and its running
 * state stand in one array, in this order. */
void net_bind(odeon_net *net)
{
    if (net == NULL) {
        return;
    }
    const net_site *site = net->site;
    for (size_t i = 0; i < net->n; i++) {
        net_layer *layer = &net->layers[i];
        for (size_t k = 0; k < layer->n_params; k++) {
            layer->values[k] = part_of(&site->params->list[layer->index[k]], site->values).view;
        }
        for (size_t k = 0; k < layer->n_states; k++) {
            size_t at = layer->n_params + k;
            layer->grads[at] = part_of(&site->params->list[layer->index[at]], site->states);
        }
        for (size_t b = 0; b < layer->n_bodies; b++) {
            net_bind(layer->bodies[b]);
        }
    }
    net_bind_grads(net, site->grads);
}

/* Only the gradients move: a continuous adjoint sends them into its own state for one vjp and back.
 * base may lie outside of any allocation, as long as the elements of these layers do not. */
void net_bind_grads(odeon_net *net, char *grads)
{
    for (size_t i = 0; net != NULL && i < net->n; i++) {
        net_layer *layer = &net->layers[i];
        for (size_t k = 0; k < layer->n_params; k++) {
            layer->grads[k] = part_of(&net->site->params->list[layer->index[k]], grads);
        }
        for (size_t b = 0; b < layer->n_bodies; b++) {
            net_bind_grads(layer->bodies[b], grads);
        }
    }
}

/* The hull of all parameters, bodies included. end = 0 means that none has been seen, which no
 * parameter's end is, since sizes are positive. */
static void widen(const odeon_net *net, int64_t *begin, int64_t *end)
{
    for (size_t i = 0; net != NULL && i < net->n; i++) {
        const net_layer *layer = &net->layers[i];
        for (size_t k = 0; k < layer->n_params; k++) {
            const param *p = &net->site->params->list[layer->index[k]];
            *begin = *end == 0 || p->offset < *begin ? p->offset : *begin;
            *end = p->offset + p->count > *end ? p->offset + p->count : *end;
        }
        for (size_t b = 0; b < layer->n_bodies; b++) {
            widen(layer->bodies[b], begin, end);
        }
    }
}

/* A hull and not a set: parameters that lie in between and belong to other layers are in it, too.
 * Their gradients are zero then. */
void net_param_range(const odeon_net *net, int64_t *begin, int64_t *end)
{
    *begin = 0;
    *end = 0;
    widen(net, begin, end);
}
