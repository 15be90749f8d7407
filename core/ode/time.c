#include "ode/time.h"

#include <float.h>
#include <math.h>

#include "base/diag.h"

void ode_time_init(odeon_ode *ode)
{
    const odeon_net *stiff = ode->field.terms.stiff;
    ode->rounds_t = net_layer_with(ode->body, ODEON_LAYER_ROUNDS_T);
    if (ode->rounds_t == NULL && stiff != NULL) {
        ode->rounds_t = net_layer_with(stiff, ODEON_LAYER_ROUNDS_T);
    }
}

/* A number of this dtype near the latest time is about late * epsilon from the next one. Where that
 * is more than a thousandth of a step, the stages of a step see times that are wrong in the third
 * digit, and an adaptive solve sees noise as error. Warned of once, by the first worker. */
void ode_time_check(odeon_ode *ode, double t0, double t1, double h)
{
    bool wide = ode->site->lane.dtype == ODEON_DTYPE_F64;
    double late = fmax(fabs(t0), fabs(t1)), span = fabs(t1 - t0);
    double apart = late * (wide ? DBL_EPSILON : (double)FLT_EPSILON);
    double step = fabs(h) > 0.0 ? fmin(fabs(h), span) : span;
    if (ode->rounds_t == NULL || !(apart > 1e-3 * step)) {
        return;
    }
    if (ode->site->lane.group->abi.rank == 0) {
        diag_log(ODEON_LOG_WARNING,
                 "%s: layer %s takes the time as %s, whose numbers near t = %.9g lie up to %.1e "
                 "apart: more than a thousandth of %s (%.3g); count time from the start or in "
                 "larger units%s",
                 ode->path, ode->rounds_t->path, wide ? "float64" : "float32", late, apart,
                 step < span ? "a step" : "the span", step,
                 wide ? "" : ", or set run.dtype = float64");
    }
    ode->rounds_t = NULL;
}

/* Where neither the steps nor the times of a batch are known beforehand, the span alone counts;
 * each forward then looks again with the mean of its own steps. */
void ode_time_check_spec(odeon_ode *ode)
{
    const odeon_ode_spec *spec = &ode->spec;
    if (spec->n_times < 2) {
        return;
    }
    double t0 = spec->times[0], t1 = spec->times[spec->n_times - 1], h = 0.0;
    if (spec->mode == ODEON_STEPS_SIZE) {
        h = spec->step_size;
    } else if (spec->mode == ODEON_STEPS_COUNT) {
        h = (spec->times[1] - t0) / (double)spec->steps;
    }
    ode_time_check(ode, t0, t1, h);
}
