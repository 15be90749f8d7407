/* Where the layers of a network find their parameters. Layers keep tensors and not offsets, so that
 * a call of a layer costs no arithmetic; all of them are set anew when a flat vector moves. */
#include "net/net.h"

/* The parameter's shape over the memory that begins at element 0 of a flat vector. */
static void point(odeon_tensor *tensor, const param *p, char *base)
{
    *tensor = p->shape;
    tensor->data = base + p->offset * odeon_dtype_bytes(p->shape.dtype);
}

/* Tensors of a layer are its parameters, then their gradients, then running state, in one array:
 * odeon_buffers takes three pointers into it. */
void net_bind(odeon_net *net)
{
    if (net == NULL) {
        return;
    }
    const net_site *site = net->site;
    for (size_t i = 0; i < net->n; i++) {
        net_layer *layer = &net->layers[i];
        for (size_t k = 0; k < layer->n_params; k++) {
            point(&layer->tensors[k], &site->params->list[layer->index[k]], site->values);
        }
        for (size_t k = 0; k < layer->n_states; k++) {
            point(&layer->tensors[2 * layer->n_params + k],
                  &site->params->list[layer->index[layer->n_params + k]], site->states);
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
            point(&layer->tensors[layer->n_params + k], &net->site->params->list[layer->index[k]],
                  grads);
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
