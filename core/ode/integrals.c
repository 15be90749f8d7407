#include "ode/integrals.h"

#include <string.h>

#include "base/diag.h"

/* Newton's iteration and methods of parts know y alone, a sample's own solve gives out y alone, and
 * of two terms neither knows where the other's integrands are. */
odeon_status ode_check_integrals(const odeon_ode *ode)
{
    const char *why = ode->samples != NULL             ? "step = sample"
                      : ode->field.terms.stiff != NULL ? "a field with a stiff term"
                      : ode->stepper->implicit         ? "an integrator that solves equations"
                      : ode->stepper->n_parts > 0      ? "an integrator of parts of the state"
                                                       : NULL;
    return why == NULL || ode->integrals.n == 0
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "%s: %s takes no integrals along the path, such as %s (integrator %s)",
                           ode->path, why, ode->integrals.names[0],
                           ode->stepper->instance->component->id);
}

int32_t ode_find_integral(const odeon_ode *ode, const char *name)
{
    size_t n = strlen(ode->path);
    int32_t found = -1;
    for (int32_t i = 0; i < ode->integrals.n; i++) {
        bool same = strncmp(name, ode->path, n) == 0 && name[n] == '.' &&
                    strcmp(name + n + 1, ode->integrals.names[i]) == 0;
        found = same ? i : found;
    }
    return found;
}

odeon_view ode_integral(const odeon_ode *ode, int32_t i)
{
    const ode_outputs *o = &ode->outputs;
    return quadrature_part(&ode->integrals, &o->y[o->n_times - 1].view, i);
}

odeon_tensor ode_integral_cotangent(const odeon_ode *ode, int32_t i)
{
    return quadrature_cotangent(&ode->integrals, i);
}

odeon_status ode_clear_integral_cotangents(const odeon_ode *ode)
{
    return quadrature_clear_cotangents(&ode->integrals);
}
