#include "plugin/kernels.h"

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/layer.h"
#include "plugin/registry.h"

/* A run asks for the kernel of each layer that it builds; what was answered once is kept, also
 * that there is none, so that the search path is gone through once for each layer and messages
 * come once. */

/* The answer for one layer. */
typedef struct answer {
    const odeon_component *layer, *kernel; /* kernel NULL: it has none */
} answer;

struct kernel_list {
    registry *r;
    const char *device;
    size_t n;
    answer *answers;
};

odeon_status kernels_create(registry *r, const char *device, kernel_list **out)
{
    *out = mem_zalloc(1, sizeof **out);
    if (*out == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "no memory for the list of kernels");
    }
    (*out)->r = r;
    (*out)->device = device;
    return ODEON_OK;
}

void kernels_destroy(kernel_list *k)
{
    if (k != NULL) {
        mem_free(k->answers);
        mem_free(k);
    }
}

const char *kernels_file(const kernel_list *k, const odeon_component *kernel)
{
    return registry_plugin_of(k->r, kernel)->file;
}

uint32_t kernels_abi_minor(const kernel_list *k, const odeon_component *kernel)
{
    return registry_plugin_of(k->r, kernel)->root->abi_minor;
}

/* A kernel computes what its layer does in one launch; bodies would be called by nobody. */
static odeon_status check_leaf(const kernel_list *k, const odeon_component *layer,
                               const odeon_component *kernel)
{
    const odeon_layer_ops *ops = layer->ops;
    return ops->bodies == ODEON_BODIES_NONE
               ? ODEON_OK
               : diag_fail(ODEON_ERR_PLUGIN,
                           "%s: %s cannot take the place of layer %s, which holds other layers; "
                           "run.kernels=no does without it",
                           kernels_file(k, kernel), kernel->id, layer->id);
}

/* Without a list (run.kernels = no) there are no kernels. Layers are told apart by the address of
 * their component, which is the same for all of a run. */
odeon_status kernels_find(kernel_list *k, const odeon_component *layer, const odeon_component **out)
{
    *out = NULL;
    for (size_t i = 0; k != NULL && i < k->n; i++) {
        if (k->answers[i].layer == layer) {
            *out = k->answers[i].kernel;
            return ODEON_OK;
        }
    }
    if (k == NULL) {
        return ODEON_OK;
    }
    answer a = {.layer = layer};
    ODEON_TRY(registry_find_kernel(k->r, layer->id, k->device, &a.kernel));
    if (a.kernel != NULL) {
        ODEON_TRY(check_leaf(k, layer, a.kernel));
    }
    answer *answers = mem_resize(k->answers, k->n + 1, sizeof *answers);
    if (answers == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "no memory for the list of kernels");
    }
    answers[k->n++] = a;
    k->answers = answers;
    *out = a.kernel;
    return ODEON_OK;
}

size_t kernels_count(const kernel_list *k)
{
    size_t n = 0;
    for (size_t i = 0; k != NULL && i < k->n; i++) {
        n += k->answers[i].kernel != NULL;
    }
    return n;
}

const odeon_component *kernels_at(const kernel_list *k, size_t index)
{
    size_t i = 0;
    while (k->answers[i].kernel == NULL || index-- > 0) {
        i++;
    }
    return k->answers[i].kernel;
}
