#include "ode/control_times.h"

#include <math.h>

#include "base/diag.h"

/* A layer that reads the control at its times, also one that is nested. */
static const net_layer *reader(const odeon_net *net)
{
    const uint32_t both = 1u << ODEON_ROLE_TIME | 1u << ODEON_ROLE_CONTROL;
    const net_layer *found = NULL;
    for (size_t i = 0; net != NULL && i < net->n && found == NULL; i++) {
        const net_layer *layer = &net->layers[i];
        found = (layer->plan.needs & both) == both ? layer : NULL;
        for (size_t b = 0; b < layer->n_bodies && found == NULL; b++) {
            found = reader(layer->bodies[b]);
        }
    }
    return found;
}

/* Each row of own holds n times that rise or fall; the solve goes from a to b. */
static int64_t first_short(const double *own, int64_t samples, int64_t n, double a, double b)
{
    double slack = 1e-6 * (b - a);
    for (int64_t i = 0; i < samples; i++) {
        double first = own[i * n], last = own[i * n + n - 1];
        if (fmin(first, last) > a + slack || fmax(first, last) < b - slack) {
            return i;
        }
    }
    return -1;
}

void control_times_check(odeon_ode *ode, const odeon_layer_call *call, int64_t samples)
{
    const batch_fields *fields = call->host;
    int64_t n = ode->site->n_times;
    if (ode->control_checked || ode->spec.n_times == 0 || ode->site->lane.group->abi.rank != 0 ||
        call->batch_field != batch_field || fields->own_times == NULL || n < 1) {
        return;
    }
    const net_layer *layer = reader(ode->body);
    layer = layer != NULL ? layer : reader(ode->field.terms.stiff);
    ode->control_checked = layer == NULL;
    double a = fmin(ode->outputs.times[0], ode->outputs.times[ode->outputs.n_times - 1]);
    double b = fmax(ode->outputs.times[0], ode->outputs.times[ode->outputs.n_times - 1]);
    int64_t i = layer != NULL ? first_short(fields->own_times, samples, n, a, b) : -1;
    if (i < 0) {
        return;
    }
    ode->control_checked = true;
    diag_log(ODEON_LOG_WARNING,
             "%s: the control that layer %s reads is known from t = %.9g to %.9g of sample %lld, "
             "but the solve goes from %.9g to %.9g: outside it keeps its first and last value; "
             "end the solve with it, or take longer windows",
             ode->path, layer->path, fields->own_times[i * n], fields->own_times[i * n + n - 1],
             (long long)(call->first_sample + i), ode->outputs.times[0],
             ode->outputs.times[ode->outputs.n_times - 1]);
}
