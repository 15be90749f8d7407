/* kvaerno3: ESDIRK of four stages, order 3 with an embedded method of order 2; both L-stable and
 * stiffly accurate; the last stage is the first of the next step (FSAL). gamma is a root of
 * g^3 - 3 g^2 + 3/2 g - 1/6.
 * Source: Kvaerno, Singly diagonally implicit Runge-Kutta methods with an explicit first stage, BIT
 * 44, 2004. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

static const double a[4][4] = {
    {0.0},
    {0.43586652150845899942, 0.43586652150845899942},
    {0.49056338842178057063, 0.073570090069760429956, 0.43586652150845899942},
    {0.30880996997674652335, 1.4905633884217805706, -1.2352398799069860934, 0.43586652150845899942},
};
static const double b[4] = {0.30880996997674652335, 1.4905633884217805706, -1.2352398799069860934,
                            0.43586652150845899942};
static const double b_hat[4] = {0.49056338842178057063, 0.073570090069760429956,
                                0.43586652150845899942, 0.0};
static const double c[4] = {0.0, 0.87173304301691799883, 1.0, 1.0};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .flags = ODEON_TABLEAU_FSAL,
    .stages = 4,
    .order = 3,
    .embedded_order = 2,
    .filter_gamma = 0.43586652150845899942,
    .a = a[0],
    .b = b,
    .b_hat = b_hat,
    .c = c,
};

ODEON_PLUGIN_WITH(
    TABLEAU, "kvaerno3", &tableau,
    "ESDIRK pair of Kvaerno for stiff problems: order 3 with an error estimate of order 2",
    "Kvaerno, BIT 44, 2004", "kvaerno32");
