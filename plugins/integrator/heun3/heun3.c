/* heun3: Heun's method of order 3. Dense output: the parabola of order 2 whose weights at the end
 * are b; three stages allow no order 3 within the step. Source: Heun, Z. Math. Phys. 45, 1900;
 * Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., II.1 table 1.1. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

static const double a[3][3] = {{0.0}, {1.0 / 3.0}, {0.0, 2.0 / 3.0}};
static const double b[3] = {0.25, 0.0, 0.75};
static const double c[3] = {0.0, 1.0 / 3.0, 2.0 / 3.0};
/* Dense output: stage i has the weight sum over k of interp[i][k] x^(k+1) at x in [0,1] of the
 * step. */
static const double interp[3][2] = {{1.0, -0.75}, {0.0}, {0.0, 0.75}};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .stages = 3,
    .order = 3,
    .interp_degree = 2,
    .interp_order = 2,
    .a = a[0],
    .b = b,
    .c = c,
    .interp = interp[0],
};

ODEON_PLUGIN(TABLEAU, "heun3", &tableau, "Heun's method of order 3, three evaluations a step",
             "Heun, Z. Math. Phys. 45, 1900; Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., "
             "II.1 table 1.1");
