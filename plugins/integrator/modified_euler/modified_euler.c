/* modified_euler: y1 = y + h/2 (f(t, y) + f(t + h, y + h f(t, y))), Heun's trapezoidal method;
 * order 2. Dense output: the parabola x k1 + x^2/2 (k2 - k1), of order 2. Some texts give this name
 * to the midpoint rule, which here is midpoint. Source: Heun, Z. Math. Phys. 45, 1900; Butcher,
 * Numerical Methods for ODEs, 3rd ed., 232. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

static const double a[2][2] = {{0.0}, {1.0}};
static const double b[2] = {0.5, 0.5};
static const double c[2] = {0.0, 1.0};
/* Dense output: stage i has the weight sum over k of interp[i][k] x^(k+1) at x in [0,1] of the
 * step. */
static const double interp[2][2] = {{1.0, -0.5}, {0.0, 0.5}};

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
    TABLEAU, "modified_euler", &tableau,
    "modified Euler method (Heun's trapezoid): order 2, two evaluations a step",
    "Heun, Z. Math. Phys. 45, 1900; Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., II.1",
    "heun|heun2|improvedeuler|explicittrapezoid");
