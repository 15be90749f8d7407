/* params.h: the parameters of a model by path, shared by all workers' networks.
 *
 * Weights and biases lie one after the other in one flat vector per device (each at a multiple of
 * 64 bytes), gradients in a vector of the same layout per worker, running state likewise in a
 * shorter vector per worker. */
#ifndef ODEON_CORE_NET_PARAMS_H
#define ODEON_CORE_NET_PARAMS_H
#include "base/name_index.h"
#include "odeon/layer.h"

typedef struct param {
    char *path; /* "ode.block.weight" */
    odeon_shape shape;
    int32_t role, init;
    double init_a, init_b;
    int64_t count;
    int64_t offset; /* elements into the flat vector of its role */
} param;

typedef struct params {
    size_t n, capacity;
    param *list;
    name_index by_path;
    int64_t trainable, state; /* lengths of the two flat vectors, in elements */
    int64_t count;            /* of weights and biases, without the gaps */
} params;

void params_fini(params *p);
/* Finds layer + "." + info->name, or appends it. The same path with another shape, or a path that
 * is there already and not expected to be (existing 0): ODEON_ERR_CONFIG. dtype becomes that of all
 * parameters. */
odeon_status params_add(params *p, const char *layer, const odeon_param *info, uint32_t dtype,
                        int existing, size_t *index);
size_t params_find(const params *p, const char *path); /* p->n if there is none */
/* The initial values of n elements of one parameter, from element first on: a pure function of
 * (seed, path, element). */
void params_initial(const param *p, uint64_t seed, int64_t first, int64_t n, double *out);

#endif
