#include "control.h"
#include "odeon/device_solver.h"

#include <math.h>

/* torchdiffeq: an integral controller in which an accepted step may not shrink the next one. The
 * error is the RMS over all elements; of a tuple, the worst part's. Source: rtqichen/torchdiffeq,
 * _impl/rk_common.py and misc.py. */
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

/* OrdinaryDiffEq.jl: a proportional-integral controller, beta1 = 0.7 / order on the new error and
 * beta2 = 0.4 / order on the previous one unless the method brings hints; the first step evaluates
 * nothing beyond the end (initdt.jl). That system approximates powers (FastPower.jl), so exact
 * powers agree with its step factors to 1e-5. Source: SciML/OrdinaryDiffEq.jl, alg_utils.jl and
 * integrators/controllers.jl. */
static void preset_sciml(odeon_control *c)
{
    c->parts_rule = ODEON_PARTS_JOINT;
    c->start_rule = ODEON_START_WITHIN;
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

/* A PID controller in the inverse error x: log factor = ((I + P + D) log x_n - (P + 2 D) log x_n-1
 * + D log x_n-2) / order, used after rejections too. */
static void preset_pid(const double *pid, odeon_control *c)
{
    double p = pid[0], i = pid[1], d = pid[2];
    c->accept_rule = ODEON_ACCEPT_LT;
    c->reject_rule = ODEON_REJECT_FILTER;
    c->parts_rule = ODEON_PARTS_JOINT;
    c->safety = 0.9;
    c->factor_min = 0.2;
    c->factor_max = c->factor_max_first = 10.0;
    c->beta[0] = i + p + d;
    c->beta[1] = -(p + 2.0 * d);
    c->beta[2] = d;
    c->history_start = 1.0;
    c->history_floor = 1e-38; /* keeps an error of 0 finite in the logarithm */
}

/* Source: patrick-kidger/diffrax 0.7.2, _step_size_controller/pid.py and _integrate.py. */
static void preset_diffrax(const double *pid, odeon_control *c)
{
    preset_pid(pid, c);
    c->factor_min_accept = 1.0;
    c->factor_max_reject = 0.9;
    c->last_rule = ODEON_LAST_HALVE;
}

/* For a batch of one, since in that system each sample has steps of its own. Source:
 * martenlienen/torchode 1.0.1, step_size_controllers.py. */
static void preset_torchode(const double *pid, odeon_control *c)
{
    preset_pid(pid, c);
    c->factor_min_accept = 0.2;
    c->factor_max_reject = 10.0;
    c->start_rule = ODEON_START_WITHIN;
}

/* The error of the next step is predicted from the last two, their sizes and errors, as suits stiff
 * problems, whose solutions become slower and slower. Source: Gustafsson, Control-theoretic
 * techniques for stepsize selection in implicit Runge-Kutta methods, ACM TOMS 20, 1994; limits as
 * in Hairer, Wanner, Solving ODEs II, 2nd ed., IV.8. */
static void preset_predictive(odeon_control *c)
{
    c->parts_rule = ODEON_PARTS_JOINT;
    c->start_rule = ODEON_START_WITHIN;
    c->safety = 0.9;
    c->factor_min = 0.2;
    c->factor_max = c->factor_max_first = 8.0;
    c->factor_min_accept = 0.2;
    c->beta[0] = 2.0;
    c->beta[1] = -1.0;
    c->alpha = 1.0;
    c->beta_reject = 1.0;
    c->history_start = 1.0;
    c->history_floor = 1e-2;
}

/* The defaults set here are those of a controller without a band, without limits and with exact
 * powers. */
void control_preset(int64_t choice, const double *pid, odeon_control *out)
{
    *out = (odeon_control){.struct_size = sizeof *out,
                           .accept_rule = ODEON_ACCEPT_LE,
                           .steady_low = 1.0,
                           .steady_high = 1.0,
                           .h_max = (double)INFINITY,
                           .start_exponent = 1.0};
    switch (choice) {
    case CONTROL_PREDICTIVE:
        preset_predictive(out);
        return;
    case CONTROL_AUTO:
    case CONTROL_PI: /* no hints: the same exponents for every method */
        preset_sciml(out);
        return;
    case CONTROL_SCIML:
        preset_sciml(out);
        out->power_rule = ODEON_POWER_FAST;
        return;
    case CONTROL_SCIML_LIKE:
        preset_sciml(out);
        return;
    case CONTROL_DIFFRAX:
        preset_diffrax(pid, out);
        return;
    case CONTROL_TORCHODE:
        preset_torchode(pid, out);
        return;
    default:
        preset_torchdiffeq(out);
    }
}

int control_has_pid(int64_t choice)
{
    return choice == CONTROL_DIFFRAX || choice == CONTROL_TORCHODE;
}

int32_t control_end(int64_t choice)
{
    return choice == CONTROL_TORCHDIFFEQ ? ODEON_END_INTERPOLATE : ODEON_END_CLIP;
}

/* diffrax 0.7.2 means to choose the first step for an ODETerm, but tests a wrapper of it and so
 * always uses its default of 0.01. */
double control_first_step(int64_t choice)
{
    return choice == CONTROL_DIFFRAX ? 0.01 : 0.0;
}

const char *control_hints_name(int64_t choice)
{
    static const char *const names[] = {
        [CONTROL_AUTO] = NULL,         [CONTROL_PI] = NULL,
        [CONTROL_PREDICTIVE] = NULL,   [CONTROL_TORCHDIFFEQ] = "torchdiffeq",
        [CONTROL_SCIML] = "sciml",     [CONTROL_SCIML_LIKE] = "sciml",
        [CONTROL_DIFFRAX] = "diffrax", [CONTROL_TORCHODE] = "torchode",
        [CONTROL_REPLAY] = NULL};
    return names[choice];
}
