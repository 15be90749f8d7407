#include "run/audit_groups.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/layer.h"
#include "session/parameters.h"

/* Sums over the parameters of a group. */
typedef struct sums {
    double dot, squares, reference, difference;
} sums;

static void add(sums *x, int64_t n, const double *g, const double *r)
{
    for (int64_t i = 0; i < n; i++) {
        double d = g[i] - r[i];
        x->dot += g[i] * r[i];
        x->squares += g[i] * g[i];
        x->reference += r[i] * r[i];
        x->difference += d * d;
    }
}

/* A group whose reference is 0 has no relative error, but that of a gradient that is 0 as well. */
static void conclude(const sums *x, audit_group *out)
{
    bool none = x->reference == 0.0 && x->squares == 0.0;
    out->error = none ? 0.0 : sqrt(x->difference / x->reference);
    out->cosine = none ? 1.0 : x->dot / sqrt(x->squares * x->reference);
}

void audit_groups_free(size_t n, audit_group *list)
{
    for (size_t i = 0; list != NULL && i < n; i++) {
        mem_free(list[i].name);
    }
    mem_free(list);
}

/* The layer of "ode.in.weight" is "ode.in". */
static size_t layer_length(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL ? (size_t)(dot - path) : strlen(path);
}

static bool is_of(const audit_group *g, const char *path)
{
    size_t n = layer_length(path);
    return strlen(g->name) == n && strncmp(g->name, path, n) == 0;
}

/* Parameters of a layer stand together; one that is not the last group's begins another. */
static odeon_status group_of(const char *path, size_t *n, audit_group *list, size_t *out)
{
    for (size_t i = 1; i < *n; i++) {
        if (is_of(&list[i], path)) {
            *out = i;
            return ODEON_OK;
        }
    }
    list[*n].name = mem_printf("%.*s", (int)layer_length(path), path);
    *out = *n;
    return list[(*n)++].name != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "audit: no memory");
}

static odeon_status compare(const session *s, const variant_values *gradients,
                            const variant_values *reference, size_t *n, audit_group *list, sums *of)
{
    for (size_t i = 0; i < session_parameters(s); i++) {
        session_parameter p = session_parameter_at(s, i);
        size_t group;
        if (p.role == ODEON_PARAM_STATE) {
            continue;
        }
        ODEON_TRY(group_of(p.path, n, list, &group));
        add(&of[group], p.count, gradients->of[i], reference->of[i]);
        add(&of[0], p.count, gradients->of[i], reference->of[i]);
    }
    for (size_t i = 0; i < *n; i++) {
        conclude(&of[i], &list[i]);
    }
    return ODEON_OK;
}

odeon_status audit_groups_compare(const session *s, const variant_values *gradients,
                                  const variant_values *reference, size_t *n, audit_group **list)
{
    size_t room = session_parameters(s) + 1;
    *n = 0;
    *list = mem_zalloc(room, sizeof **list);
    sums *of = mem_zalloc(room, sizeof *of);
    odeon_status status = ODEON_OK;
    if (*list == NULL || of == NULL || ((*list)[0].name = mem_strdup("all")) == NULL) {
        status = diag_fail(ODEON_ERR_NOMEM, "audit: no memory");
    } else {
        *n = 1;
        status = compare(s, gradients, reference, n, *list, of);
    }
    mem_free(of);
    return status;
}
