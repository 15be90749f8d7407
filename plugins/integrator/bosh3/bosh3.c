/* bosh3: the pair of Bogacki and Shampine, order 3 with an embedded method of order 2; the last
 * stage is the first of the next step (FSAL). Dense output: the cubic Hermite interpolant of both
 * ends and their slopes, of order 3. Source: Bogacki, Shampine, A 3(2) pair of Runge-Kutta
 * formulas, Appl. Math. Lett. 2, 1989. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

static const double a[4][4] = {{0.0}, {0.5}, {0.0, 0.75}, {2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0}};
static const double b[4] = {2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0, 0.0};
static const double b_hat[4] = {7.0 / 24.0, 0.25, 1.0 / 3.0, 0.125};
static const double c[4] = {0.0, 0.5, 0.75, 1.0};
/* Dense output: stage i has the weight sum over k of interp[i][k] x^(k+1) at x in [0,1] of the
 * step. */
static const double interp[4][3] = {
    {1.0, -4.0 / 3.0, 5.0 / 9.0},
    {0.0, 1.0, -2.0 / 3.0},
    {0.0, 4.0 / 3.0, -8.0 / 9.0},
    {0.0, -1.0, 1.0},
};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .flags = ODEON_TABLEAU_FSAL,
    .stages = 4,
    .order = 3,
    .embedded_order = 2,
    .interp_degree = 3,
    .interp_order = 3,
    .a = a[0],
    .b = b,
    .b_hat = b_hat,
    .c = c,
    .interp = interp[0],
};

ODEON_PLUGIN_WITH(TABLEAU, "bosh3", &tableau,
                  "Bogacki-Shampine pair: order 3 with an error estimate of order 2, three "
                  "evaluations a step",
                  "Bogacki, Shampine, Appl. Math. Lett. 2, 1989",
                  "rk23|ode23|bogackishampine|bs3|bosh");
