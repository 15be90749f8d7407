/* adaptive_heun: Heun's trapezoid with Euler's method embedded: order 2 with an error estimate of
 * order 1. Dense output: the parabola x k1 + x^2/2 (k2 - k1), of order 2.
 * Source: Heun, Z. Math. Phys. 45, 1900; Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., II.4. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

static const double a[2][2] = {{0.0}, {1.0}};
static const double b[2] = {0.5, 0.5};
static const double b_hat[2] = {1.0, 0.0};
static const double c[2] = {0.0, 1.0};
/* Dense output: stage i has the weight sum over k of interp[i][k] x^(k+1) at x in [0,1] of the
 * step. */
static const double interp[2][2] = {{1.0, -0.5}, {0.0, 0.5}};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .stages = 2,
    .order = 2,
    .embedded_order = 1,
    .interp_degree = 2,
    .interp_order = 2,
    .a = a[0],
    .b = b,
    .b_hat = b_hat,
    .c = c,
    .interp = interp[0],
};

ODEON_PLUGIN_WITH(
    TABLEAU, "adaptive_heun", &tableau,
    "Heun's trapezoid with Euler embedded: order 2 with an error estimate of order 1, "
    "two evaluations a step",
    "Heun, Z. Math. Phys. 45, 1900; Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., II.4",
    "heuneuler|heun12|rk12");
