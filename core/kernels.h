/* kernels.h: which layers have a kernel of their own for the device of a run. */
#ifndef ODEON_CORE_KERNELS_H
#define ODEON_CORE_KERNELS_H
#include "registry.h"

typedef struct kernels kernels;

/* device: the id of the run's. Both are borrowed. ODEON_ERR_NOMEM. */
odeon_status kernels_create(registry *r, const char *device, kernels **out);
void kernels_destroy(kernels *k); /* NULL is allowed */

/* The kernel of a layer, which is then in use; *out is NULL if there is none, or k is NULL. Looks
 * once for each layer, and warns of a second plugin that offers the same. Fails as registry_find,
 * and with ODEON_ERR_PLUGIN if the layer holds other layers. [main] */
odeon_status kernels_find(kernels *k, const odeon_component *layer, const odeon_component **out);
/* The file that a kernel which was found is from. */
const char *kernels_file(const kernels *k, const odeon_component *kernel);

/* Those in use, in the order in which they were found; k may be NULL. */
size_t kernels_count(const kernels *k);
const odeon_component *kernels_at(const kernels *k, size_t index);

#endif
