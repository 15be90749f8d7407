/* fehlberg2: Fehlberg's pair of orders 2 and 1; the step continues with order 2. Dense output: the
 * parabola of order 2 whose weights at the end are b; three stages allow no order 3. Source:
 * Fehlberg, Low-order classical Runge-Kutta formulas with stepsize control, NASA TR R-315, 1969. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

static const double a[3][3] = {{0.0}, {0.5}, {1.0 / 256.0, 255.0 / 256.0}};
static const double b[3] = {1.0 / 512.0, 255.0 / 256.0, 1.0 / 512.0};
static const double b_hat[3] = {1.0 / 256.0, 255.0 / 256.0, 0.0};
static const double c[3] = {0.0, 0.5, 1.0};
/* Dense output: stage i has the weight sum over k of interp[i][k] x^(k+1) at x in [0,1] of the
 * step. */
static const double interp[3][2] = {
    {1.0, -511.0 / 512.0}, {0.0, 255.0 / 256.0}, {0.0, 1.0 / 512.0}};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .stages = 3,
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
    TABLEAU, "fehlberg2", &tableau,
    "Fehlberg pair: order 2 with an error estimate of order 1, three evaluations a step",
    "Fehlberg, NASA TR R-315, 1969", "rkf12|fehlberg|rkf2");
