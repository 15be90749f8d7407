/* tsit5: the pair of Tsitouras, order 5 with an embedded method of order 4; the last stage is the
 * first of the next step (FSAL). Dense output: Tsitouras' quartic of order 4. The published
 * coefficients satisfy the order conditions only to their last digit; here they have 20 digits.
 * Source: Tsitouras, Runge-Kutta pairs of order 5(4) satisfying only the first column simplifying
 * assumption, Comput. Math. Appl. 62, 2011, table 1 and section 4. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

static const double a[7][7] = {
    {0.0},
    {0.161},
    {-0.0084806554923569885444, 0.33548065549235698854},
    {2.8971530571054934321, -6.3594484899750748431, 4.362295432869581411},
    {5.3258648284392566044, -11.748883564062827878, 7.4955393428898362083,
     -0.092495066361755249257},
    {5.8614554429464200287, -12.920969317847109292, 8.1593678985761586432, -0.071584973281400997225,
     -0.028269050394068382909},
    {0.096460766818065229518, 0.01, 0.47988965041449957478, 1.3790085741037418932,
     -3.2900695154360806799, 2.3247105240997739824},
};
static const double b[7] = {
    0.096460766818065229518,
    0.01,
    0.47988965041449957478,
    1.3790085741037418932,
    -3.2900695154360806799,
    2.3247105240997739824,
    0.0,
};
static const double b_hat[7] = {
    0.094680755765839458075,
    0.0091835655403432530968,
    0.48777052842476157079,
    1.2342975669304789857,
    -2.7077123499835254549,
    1.8666284181705870358,
    1.0 / 66.0,
};
static const double c[7] = {0.0, 0.161, 0.327, 0.9, 0.98002554090450968573, 1.0, 1.0};
/* Dense output: stage i has the weight sum over k of interp[i][k] x^(k+1) at x in [0,1] of the
 * step. */
static const double interp[7][4] = {
    {1.0, -2.7637061972748258687, 2.9132554618219126554, -1.0530884977290215572},
    {0.0, 0.1317, -0.2234, 0.1017},
    {0.0, 3.9302962368947515174, -5.9410338721315047357, 2.4906272856512527931},
    {0.0, -12.411077166933677039, 30.33818863028232165, -16.548102889244902718},
    {0.0, 37.509313416511039179, -88.178904894766401078, 47.379521962819281219},
    {0.0, -27.896526289197287789, 65.091894674793671508, -34.870657861496609736},
    {0.0, 1.5, -4.0, 2.5},
};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .flags = ODEON_TABLEAU_FSAL,
    .stages = 7,
    .order = 5,
    .embedded_order = 4,
    .interp_degree = 4,
    .interp_order = 4,
    .a = a[0],
    .b = b,
    .b_hat = b_hat,
    .c = c,
    .interp = interp[0],
};

ODEON_PLUGIN_WITH(
    TABLEAU, "tsit5", &tableau,
    "Tsitouras pair: order 5 with an error estimate of order 4, six evaluations a step",
    "Tsitouras, Comput. Math. Appl. 62, 2011, table 1 and section 4", "tsitouras|tsitouras5|tsit");
