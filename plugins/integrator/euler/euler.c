/* euler: y1 = y + h f(t, y); order 1. Dense output: the straight line.
 * Source: Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., I.7. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

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

ODEON_PLUGIN_WITH(TABLEAU, "euler", &tableau,
                  "explicit Euler method: order 1, one evaluation a step",
                  "Euler, Institutionum calculi integralis, 1768; Hairer, Norsett, Wanner, Solving "
                  "ODEs I, 2nd ed., I.7",
                  "forwardeuler|expliciteuler");
