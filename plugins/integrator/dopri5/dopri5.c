/* dopri5: the pair of Dormand and Prince, order 5 with an embedded method of order 4; the last
 * stage is the first of the next step (FSAL). The embedded weights are Shampine's, as in
 * torchdiffeq: their error estimate is 2/3 of that of Dormand and Prince's own b_hat. Dense output:
 * Shampine's quartic of order 4, which DOPRI5 of Hairer and Wanner also uses. Source: Dormand,
 * Prince, A family of embedded Runge-Kutta formulae, J. Comp. Appl. Math. 6, 1980, table 2;
 * Shampine, Some practical Runge-Kutta formulas, Math. Comp. 46, 1986. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

static const double a[7][7] = {
    {0.0},
    {1.0 / 5.0},
    {3.0 / 40.0, 9.0 / 40.0},
    {44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0},
    {19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0},
    {9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0},
    {35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0},
};
static const double b[7] = {
    35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0, 0.0,
};
static const double b_hat[7] = {
    1951.0 / 21600.0, 0.0,        22642.0 / 50085.0, 451.0 / 720.0, -12231.0 / 42400.0,
    649.0 / 6300.0,   1.0 / 60.0,
};
static const double c[7] = {0.0, 1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0, 1.0};
/* Dense output: stage i has the weight sum over k of interp[i][k] x^(k+1) at x in [0,1] of the
 * step. */
static const double interp[7][4] = {
    {1.0, -8048581381.0 / 2820520608.0, 8663915743.0 / 2820520608.0,
     -12715105075.0 / 11282082432.0},
    {0.0},
    {0.0, 131558114200.0 / 32700410799.0, -68118460800.0 / 10900136933.0,
     87487479700.0 / 32700410799.0},
    {0.0, -1754552775.0 / 470086768.0, 14199869525.0 / 1410260304.0, -10690763975.0 / 1880347072.0},
    {0.0, 127303824393.0 / 49829197408.0, -318862633887.0 / 49829197408.0,
     701980252875.0 / 199316789632.0},
    {0.0, -282668133.0 / 205662961.0, 2019193451.0 / 616988883.0, -1453857185.0 / 822651844.0},
    {0.0, 40617522.0 / 29380423.0, -110615467.0 / 29380423.0, 69997945.0 / 29380423.0},
};

/* Controller exponents of OrdinaryDiffEq's DP5: beta2 = 0.04, beta1 = 1/5 - 3/4 beta2. That system
 * estimates the error by Dormand and Prince's own b_hat, so its steps differ. */
static const odeon_control_hint sciml = {
    .struct_size = sizeof sciml,
    .system = "sciml",
    .beta = {0.17, -0.04, 0.0},
    .beta_reject = 0.17,
    .factor_min = 0.2,
    .factor_max = 10.0,
    .source = "OrdinaryDiffEq.jl, alg_utils.jl: beta1_default and beta2_default of DP5",
};
static const odeon_control_hint *const hints[] = {&sciml, NULL};

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
    .hints = hints,
};

ODEON_PLUGIN_WITH(
    TABLEAU, "dopri5", &tableau,
    "Dormand-Prince pair: order 5 with an error estimate of order 4, six evaluations a step",
    "Dormand, Prince, J. Comp. Appl. Math. 6, 1980, table 2; Shampine, Math. Comp. 46, 1986",
    "rk45|ode45|dormandprince|dp5|dormandprince5|dopri45");
