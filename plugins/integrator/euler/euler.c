/* euler: y1 = y + h f(t, y); order 1. Dense output: the straight line.
 * Source: Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., I.7. */
#include "odeon/integrator.h"
#include "odeon/plugin.h"

static const double a[1] = {0.0};
static const double b[1] = {1.0};
static const double c[1] = {0.0};
/* Dense output: stage i has the weight sum over k of interp[i][k] x^(k+1) at x in [0,1] of the
 * step. */
static const double interp[1] = {1.0};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .stages = 1,
    .order = 1,
    .interp_degree = 1,
    .interp_order = 1,
    .a = a,
    .b = b,
    .c = c,
    .interp = interp,
};
static const odeon_integrator ops = {.struct_size = sizeof ops, .tableau = &tableau};

ODEON_PLUGIN_WITH(INTEGRATOR, "euler", &ops,
                  "explicit Euler method: order 1, one evaluation a step",
                  "Euler, Institutionum calculi integralis, 1768; Hairer, Norsett, Wanner, Solving "
                  "ODEs I, 2nd ed., I.7",
                  "forwardeuler|expliciteuler");
