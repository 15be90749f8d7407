/* kvaerno4: ESDIRK of five stages, order 4 with an embedded method of order 3; L-stable, stiffly
 * accurate; the last stage is the first of the next step (FSAL). gamma is the root 0.5728 of
 * g^4 - 4 g^3 + 3 g^2 - 2/3 g + 1/24, that of the method that goes on with order 4.
 * Source: Kvaerno, Singly diagonally implicit Runge-Kutta methods with an explicit first stage, BIT
 * 44, 2004. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

static const double a[5][5] = {
    {0.0},
    {0.57281606248213485541, 0.57281606248213485541},
    {0.16723546202721075075, -0.14294653685703411324, 0.57281606248213485541},
    {0.26260329025269581808, -0.31190432742056315302, 0.47648497468573247953,
     0.57281606248213485541},
    {0.19721654831283499584, 0.17684378390637218603, 0.8154421813508384474, -0.76231857605218048468,
     0.57281606248213485541},
};
static const double b[5] = {0.19721654831283499584, 0.17684378390637218603, 0.8154421813508384474,
                            -0.76231857605218048468, 0.57281606248213485541};
static const double b_hat[5] = {0.26260329025269581808, -0.31190432742056315302,
                                0.47648497468573247953, 0.57281606248213485541, 0.0};
static const double c[5] = {0.0, 1.1456321249642697108, 0.59710498765231149292, 1.0, 1.0};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .flags = ODEON_TABLEAU_FSAL,
    .stages = 5,
    .order = 4,
    .embedded_order = 3,
    .filter_gamma = 0.57281606248213485541,
    .a = a[0],
    .b = b,
    .b_hat = b_hat,
    .c = c,
};

ODEON_PLUGIN_WITH(
    TABLEAU, "kvaerno4", &tableau,
    "ESDIRK pair of Kvaerno for stiff problems: order 4 with an error estimate of order 3",
    "Kvaerno, BIT 44, 2004", "kvaerno43");
