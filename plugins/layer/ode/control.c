#include "control.h"

#include <math.h>

/* rtqichen/torchdiffeq, _impl/rk_common.py and misc.py: an integral controller; an accepted step
 * may not shrink the next one. Its error is the RMS over all elements, of a tuple the worst part's.
 */
static void preset_torchdiffeq(odeon_control *c)
{
    c->parts_rule = ODEON_PARTS_MAX;
    c->safety = 0.9;
    c->factor_min = 0.2;
    c->factor_max = c->factor_max_first = 10.0;
    c->factor_min_accept = 1.0;
    c->beta[0] = 1.0;
    c->beta_reject = 1.0;
    c->history_start = c->history_floor = 1.0;
}

/* SciML/OrdinaryDiffEq.jl, alg_utils.jl and controllers.jl: proportional-integral, beta1 = 0.7 /
 * order on the new error, beta2 = 0.4 / order on the one before. */
static void preset_sciml(odeon_control *c)
{
    c->parts_rule = ODEON_PARTS_JOINT;
    c->safety = 0.9;
    c->factor_min = 0.2;
    c->factor_max = 10.0;
    c->factor_max_first = 10000.0;
    c->factor_min_accept = 0.2;
    c->beta[0] = 0.7;
    c->beta[1] = -0.4;
    c->beta_reject = 0.7;
    c->history_start = c->history_floor = 1e-4;
}

void control_preset(int64_t choice, odeon_control *out)
{
    *out = (odeon_control){.struct_size = sizeof *out,
                           .accept_rule = ODEON_ACCEPT_LE,
                           .steady_low = 1.0,
                           .steady_high = 1.0,
                           .h_max = (double)INFINITY,
                           .start_exponent = 1.0};
    if (choice == CONTROL_SCIML) {
        preset_sciml(out);
    } else {
        preset_torchdiffeq(out);
    }
}

int32_t control_end(int64_t choice)
{
    return choice == CONTROL_TORCHDIFFEQ ? ODEON_END_INTERPOLATE : ODEON_END_CLIP;
}
