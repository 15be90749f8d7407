/* trbdf2: the trapezoidal rule to t + (2 - sqrt(2)) h, then BDF2, as an ESDIRK of three stages;
 * order 2 with an embedded method of order 3; L-stable, stiffly accurate; the last stage is the
 * first of the next step (FSAL). b_hat is not L-stable: the estimate is filtered.
 * Source: Hosea, Shampine, Analysis and implementation of TR-BDF2, Appl. Numer. Math. 20, 1996. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

static const double a[3][3] = {
    {0.0},
    {0.2928932188134524756, 0.2928932188134524756},
    {0.3535533905932737622, 0.3535533905932737622, 0.2928932188134524756},
};
static const double b[3] = {0.3535533905932737622, 0.3535533905932737622, 0.2928932188134524756};
static const double b_hat[3] = {0.2154822031355754126, 0.68688672392660709553,
                                0.097631072937817491866};
static const double c[3] = {0.0, 0.5857864376269049512, 1.0};
/* Dense output: row i holds the factors of x and x^2. */
static const double interp[3][2] = {
    {1.0, -0.6464466094067262378},
    {0.0, 0.3535533905932737622},
    {0.0, 0.2928932188134524756},
};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .flags = ODEON_TABLEAU_FSAL,
    .stages = 3,
    .order = 2,
    .embedded_order = 3,
    .interp_degree = 2,
    .interp_order = 2,
    .filter_gamma = 0.2928932188134524756,
    .a = a[0],
    .b = b,
    .b_hat = b_hat,
    .c = c,
    .interp = interp[0],
};

ODEON_PLUGIN_WITH(TABLEAU, "trbdf2", &tableau,
                  "trapezoidal rule and BDF2 in one step for stiff problems: order 2, L-stable",
                  "Hosea, Shampine, Appl. Numer. Math. 20, 1996", "tr_bdf2");
