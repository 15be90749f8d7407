/* rk4_38: Kutta's 3/8 rule; order 4, torchdiffeq's rk4. Dense output: a cubic of order 3, the only
 * one on these stages.
 * Source: Kutta, Z. Math. Phys. 46, 1901; Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., II.1
 * table 1.2 and II.6. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

static const double a[4][4] = {{0.0}, {1.0 / 3.0}, {-1.0 / 3.0, 1.0}, {1.0, -1.0, 1.0}};
static const double b[4] = {0.125, 0.375, 0.375, 0.125};
static const double c[4] = {0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0};
/* Dense output: stage i has the weight sum over k of interp[i][k] x^(k+1) at x in [0,1] of the
 * step. */
static const double interp[4][3] = {
    {1.0, -1.875, 1.0},
    {0.0, 1.875, -1.5},
    {0.0, 0.375, 0.0},
    {0.0, -0.375, 0.5},
};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .stages = 4,
    .order = 4,
    .interp_degree = 3,
    .interp_order = 3,
    .a = a[0],
    .b = b,
    .c = c,
    .interp = interp[0],
};

ODEON_PLUGIN_WITH(
    TABLEAU, "rk4_38", &tableau,
    "Kutta's 3/8 rule (torchdiffeq's rk4): order 4, four evaluations a step",
    "Kutta, Z. Math. Phys. 46, 1901; Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., "
    "II.1 and II.6",
    "rk38|threeeighths|kutta38");
