#include "ode/tolerances.h"

#include "base/diag.h"
#include "base/mem.h"

static odeon_status no_memory(const odeon_ode *ode)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for tolerances", ode->path);
}

/* Of n values, at least one: what a vector without components of its own is judged by. */
static double smallest(int32_t n, const double *values)
{
    double least = values[0];
    for (int32_t i = 1; i < n; i++) {
        least = values[i] < least ? values[i] : least;
    }
    return least;
}

static odeon_status check_count(const odeon_ode *ode, const char *name, int32_t n)
{
    int64_t wanted = odeon_count(&ode->body->in);
    return n == 1 || n == wanted
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "%s: %s has %d values, but y has %lld components: give one, or one for "
                           "each",
                           ode->path, name, (int)n, (long long)wanted);
}

/* Lists go to the device whole, rtol [n] then atol [n], as doubles whatever the dtype. A list of
 * one is spread over all components. */
static odeon_status upload(odeon_ode *ode)
{
    const odeon_ode_spec *spec = &ode->spec;
    const device_lane *lane = &ode->site->lane;
    int64_t n = odeon_count(&ode->body->in);
    double *each = mem_zalloc((size_t)(2 * n), sizeof *each);
    if (each == NULL) {
        return no_memory(ode);
    }
    for (int64_t i = 0; i < n; i++) {
        each[i] = spec->rtol[spec->n_rtol > 1 ? i : 0];
        each[n + i] = spec->atol[spec->n_atol > 1 ? i : 0];
    }
    odeon_status status = lane->device->ops->upload(lane->queue, ode->tolerances.data, each,
                                                    2 * (uint64_t)n * sizeof *each);
    mem_free(each);
    return status;
}

static double factor_of(const odeon_ode *ode)
{
    return ode->spec.tolerance_factor != NULL ? *ode->spec.tolerance_factor : 1.0;
}

/* Parts that have no components, such as parameters' gradients, take the smallest of a list. */
static odeon_status set(odeon_ode *ode)
{
    const odeon_ode_spec *spec = &ode->spec;
    ode->factor = factor_of(ode);
    for (int32_t i = 0; i < spec->n_rtol; i++) {
        ode->scaled[i] = ode->given_rtol[i] * ode->factor;
    }
    for (int32_t i = 0; i < spec->n_atol; i++) {
        ode->scaled[spec->n_rtol + i] = ode->given_atol[i] * ode->factor;
    }
    ode->control.rtol = smallest(spec->n_rtol, spec->rtol);
    ode->control.atol = smallest(spec->n_atol, spec->atol);
    return ode->control.n_each > 0 ? upload(ode) : ODEON_OK;
}

/* The control's addresses are those of the device, which stay. */
static odeon_status make_lists(odeon_ode *ode)
{
    int64_t n = odeon_count(&ode->body->in), bytes = n * (int64_t)sizeof(double);
    if (ode->spec.n_rtol == 1 && ode->spec.n_atol == 1) {
        return ODEON_OK;
    }
    ODEON_TRY(buffer_fit(ode->site->lane.device, &ode->tolerances, 2 * bytes));
    ode->control.n_each = n;
    ode->control.rtol_each = (const double *)(const void *)ode->tolerances.data;
    ode->control.atol_each = ode->control.rtol_each + n;
    return ODEON_OK;
}

odeon_status tolerances_init(odeon_ode *ode)
{
    odeon_ode_spec *spec = &ode->spec;
    ODEON_TRY(check_count(ode, "rtol", spec->n_rtol));
    ODEON_TRY(check_count(ode, "atol", spec->n_atol));
    ode->scaled = mem_zalloc((size_t)spec->n_rtol + (size_t)spec->n_atol, sizeof *ode->scaled);
    if (ode->scaled == NULL) {
        return no_memory(ode);
    }
    ode->given_rtol = spec->rtol;
    ode->given_atol = spec->atol;
    spec->rtol = ode->scaled;
    spec->atol = ode->scaled + spec->n_rtol;
    ODEON_TRY(make_lists(ode));
    return set(ode);
}

void tolerances_fini(odeon_ode *ode)
{
    buffer_release(ode->site->lane.device, &ode->tolerances);
    mem_free(ode->scaled);
}

odeon_status tolerances_follow(odeon_ode *ode)
{
    odeon_control *back = &ode->backward_control;
    if (ode->scaled == NULL || factor_of(ode) == ode->factor) {
        return ODEON_OK;
    }
    bool follows_r = back->rtol == ode->control.rtol, follows_a = back->atol == ode->control.atol;
    ODEON_TRY(set(ode));
    back->rtol = follows_r ? ode->control.rtol : back->rtol;
    back->atol = follows_a ? ode->control.atol : back->atol;
    return ODEON_OK;
}
