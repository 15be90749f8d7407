/* golden_bs3: the pair of Bogacki and Shampine with dense output, kept as a binary (../README.md).
 */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

#ifndef GOLDEN_FLAGS
#define GOLDEN_FLAGS 0
#endif

static const double a[4][4] = {{0.0}, {0.5}, {0.0, 0.75}, {2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0}};
static const double b[4] = {2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0, 0.0};
static const double b_hat[4] = {7.0 / 24.0, 0.25, 1.0 / 3.0, 0.125};
static const double c[4] = {0.0, 0.5, 0.75, 1.0};
static const double interp[4][3] = {
    {1.0, -4.0 / 3.0, 5.0 / 9.0},
    {0.0, 1.0, -2.0 / 3.0},
    {0.0, 4.0 / 3.0, -8.0 / 9.0},
    {0.0, -1.0, 1.0},
};

static const odeon_control_hint sciml = {.struct_size = sizeof sciml,
                                         .system = "sciml",
                                         .beta = {0.25, -0.1},
                                         .beta_reject = 0.25,
                                         .factor_min = 0.25,
                                         .factor_max = 8.0};
static const odeon_control_hint *const hints[] = {&sciml, NULL};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .flags = ODEON_TABLEAU_FSAL | GOLDEN_FLAGS,
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
    .hints = hints,
};

ODEON_PLUGIN_WITH(TABLEAU, "golden_bs3", &tableau, "order 3 with an estimate of order 2",
                  "Bogacki, Shampine, Appl. Math. Lett. 2, 1989", "golden_bosh3");
