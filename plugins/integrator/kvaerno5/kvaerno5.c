/* kvaerno5: ESDIRK of seven stages, order 5 with an embedded method of order 4; L-stable, stiffly
 * accurate, gamma = 0.26; the last stage is the first of the next step (FSAL).
 * Source: Kvaerno, Singly diagonally implicit Runge-Kutta methods with an explicit first stage, BIT
 * 44, 2004. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

static const double a[7][7] = {
    {0.0},
    {0.26, 0.26},
    {0.13, 0.84033320996790809632, 0.26},
    {0.22371961478320505592, 0.47675532319799699833, -0.064708953631126151338, 0.26},
    {0.16648564323248321525, 0.10450018841591720412, 0.036314822720987151617,
     -0.13090704451073998571, 0.26},
    {0.13855640231268224951, 0.0, -0.042453372017520430989, 0.02446657898003141966,
     0.61943039072480676182, 0.26},
    {0.13659751177640291441, 0.0, -0.054969087965383767125, -0.041186267283210468683,
     0.62993304899016403192, 0.069624794482027289485, 0.26},
};
static const double b[7] = {0.13659751177640291441,
                            0.0,
                            -0.054969087965383767125,
                            -0.041186267283210468683,
                            0.62993304899016403192,
                            0.069624794482027289485,
                            0.26};
static const double b_hat[7] = {0.13855640231268224951,
                                0.0,
                                -0.042453372017520430989,
                                0.02446657898003141966,
                                0.61943039072480676182,
                                0.26,
                                0.0};
static const double c[7] = {
    0.0, 0.52, 1.2303332099679080963, 0.89576598435007590291, 0.43639360985864758528, 1.0, 1.0};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .flags = ODEON_TABLEAU_FSAL,
    .stages = 7,
    .order = 5,
    .embedded_order = 4,
    .filter_gamma = 0.26,
    .a = a[0],
    .b = b,
    .b_hat = b_hat,
    .c = c,
};

ODEON_PLUGIN_WITH(
    TABLEAU, "kvaerno5", &tableau,
    "ESDIRK pair of Kvaerno for stiff problems: order 5 with an error estimate of order 4",
    "Kvaerno, BIT 44, 2004", "kvaerno54");
