/* kernels.h: which layers have a kernel of their own for the device of a run. */
#ifndef ODEON_CORE_PLUGIN_KERNELS_H
#define ODEON_CORE_PLUGIN_KERNELS_H
#include "plugin/registry.h"

typedef struct kernel_list kernel_list;

/* device: the id of the run's. Both are borrowed. ODEON_ERR_NOMEM. */
odeon_status kernels_create(registry *r, const char *device, kernel_list **out);
void kernels_destroy(kernel_list *k); /* NULL is allowed */

/* The kernel of a layer, which is then in use; *out is NULL if there is none, or k is NULL. Looks
 * once for each layer, and warns of a second plugin that offers the same. Fails as registry_find,
 * and with ODEON_ERR_PLUGIN if the layer holds other layers. [main] */
odeon_status kernels_find(kernel_list *k, const odeon_component *layer,
                          const odeon_component **out);
/* The file that a kernel which was found is from. */
const char *kernels_file(const kernel_list *k, const odeon_component *kernel);
/* The minor of the ABI that this file was built with. */
uint32_t kernels_abi_minor(const kernel_list *k, const odeon_component *kernel);

/* Those in use, in the order in which they were found; k may be NULL. */
size_t kernels_count(const kernel_list *k);
const odeon_component *kernels_at(const kernel_list *k, size_t index);

#endif
