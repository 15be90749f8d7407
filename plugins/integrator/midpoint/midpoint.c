/* midpoint: y1 = y + h f(t + h/2, y + h/2 f(t, y)); order 2. Dense output: the parabola
 * x k1 + x^2 (k2 - k1), the only one of order 2 on these stages.
 * Source: Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., II.1. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

static const double a[2][2] = {{0.0}, {0.5}};
static const double b[2] = {0.0, 1.0};
static const double c[2] = {0.0, 0.5};
/* Dense output: stage i has the weight sum over k of interp[i][k] x^(k+1) at x in [0,1] of the
 * step. */
static const double interp[2][2] = {{1.0, -1.0}, {0.0, 1.0}};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .stages = 2,
    .order = 2,
    .interp_degree = 2,
    .interp_order = 2,
    .a = a[0],
    .b = b,
    .c = c,
    .interp = interp[0],
};

ODEON_PLUGIN_WITH(
    TABLEAU, "midpoint", &tableau, "explicit midpoint method: order 2, two evaluations a step",
    "Runge, Math. Ann. 46, 1895; Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., II.1", "rk2");
