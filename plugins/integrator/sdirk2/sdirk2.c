/* sdirk2: two stages of Alexander, order 2 with an embedded method of order 1; L-stable, stiffly
 * accurate, gamma = 1 - 1/sqrt(2). b_hat is the first stage alone. Dense output: the quadratic that
 * the two conditions of order 2 give at every x.
 * Source: Alexander, SIAM J. Numer. Anal. 14, 1977; Hairer, Wanner, Solving ODEs II, 2nd ed., IV.6.
 */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

static const double a[2][2] = {
    {0.2928932188134524756},
    {0.7071067811865475244, 0.2928932188134524756},
};
static const double b[2] = {0.7071067811865475244, 0.2928932188134524756};
static const double b_hat[2] = {1.0, 0.0};
static const double c[2] = {0.2928932188134524756, 1.0};
/* Dense output: row i holds the factors of x and x^2. */
static const double interp[2][2] = {
    {1.4142135623730950488, -0.7071067811865475244},
    {-0.4142135623730950488, 0.7071067811865475244},
};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .stages = 2,
    .order = 2,
    .embedded_order = 1,
    .interp_degree = 2,
    .interp_order = 2,
    .filter_gamma = 0.2928932188134524756,
    .a = a[0],
    .b = b,
    .b_hat = b_hat,
    .c = c,
    .interp = interp[0],
};

ODEON_PLUGIN_WITH(
    TABLEAU, "sdirk2", &tableau,
    "SDIRK of order 2 for stiff problems, L-stable, with an error estimate of order 1",
    "Alexander, SIAM J. Numer. Anal. 14, 1977", "alexander2");
