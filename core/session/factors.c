#include "session/factors.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

/* Is the parameter of the section at path, of one nested in it, or of a repetition of it? A layer
 * of then has the section's path, a dot and its own name. */
static bool is_of(const char *parameter, const char *path)
{
    size_t n = strlen(path);
    return strncmp(parameter, path, n) == 0 && parameter[n] == '.';
}

/* Factors of nested sections multiply; below one that is frozen all are. */
static double factor_of(const char *parameter, size_t n, config_node *const *nodes)
{
    double factor = 1.0;
    for (size_t i = 0; i < n; i++) {
        const config_node *node = nodes[i];
        if (!is_of(parameter, node->path)) {
            continue;
        }
        double inner = factor_of(parameter, node->n_children, node->children);
        if (node->freeze || inner < 0.0) {
            return -1.0;
        }
        factor *= inner * (node->lr_factor >= 0.0 ? node->lr_factor : 1.0);
    }
    return factor;
}

odeon_status factors_find(model *m)
{
    const config *c = m->config;
    size_t frozen = 0, trainable = 0;
    m->lr_factors = mem_zalloc(m->params.n + 1, sizeof *m->lr_factors);
    if (m->lr_factors == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "workers: no memory for %zu learning rates", m->params.n);
    }
    for (size_t i = 0; i < m->params.n; i++) {
        m->lr_factors[i] = factor_of(m->params.list[i].path, c->n_nodes, c->nodes);
        if (m->params.list[i].role != ODEON_PARAM_STATE) {
            trainable++;
            frozen += m->lr_factors[i] < 0.0;
        }
    }
    return frozen == 0 || frozen < trainable || c->optimizer == NULL
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG, "model: freeze = yes keeps all parameters as they "
                                             "are: there is nothing to train");
}

bool factors_next(const model *m, size_t *next, factor_run *out)
{
    const params *all = &m->params;
    bool begun = false;
    for (; *next < all->n; ++*next) {
        const param *p = &all->list[*next];
        if (p->role == ODEON_PARAM_STATE) {
            continue;
        }
        double factor = m->lr_factors[*next];
        if (begun && factor != out->factor) {
            out->end = p->offset;
            return true;
        }
        if (!begun) {
            *out = (factor_run){.first = p->offset, .end = all->trainable, .factor = factor};
            begun = true;
        }
    }
    return begun;
}
