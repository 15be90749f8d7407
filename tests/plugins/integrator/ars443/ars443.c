/* ars443: a pair of order 3 whose last stage is the first of the next step, with dense output that
 * is a straight line. For tests. Source: Ascher, Ruuth, Spiteri, Appl. Numer. Math. 25, 1997,
 * section 2.8. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

static const double a[5][5] = {
    {0.0},
    {0.5},
    {11.0 / 18.0, 1.0 / 18.0},
    {5.0 / 6.0, -5.0 / 6.0, 0.5},
    {0.25, 1.75, 0.75, -1.75},
};
static const double a_im[5][5] = {
    {0.0}, {0.0, 0.5}, {0.0, 1.0 / 6.0, 0.5}, {0.0, -0.5, 0.5, 0.5}, {0.0, 1.5, -1.5, 0.5, 0.5},
};
static const double b[5] = {0.25, 1.75, 0.75, -1.75, 0.0};
static const double b_im[5] = {0.0, 1.5, -1.5, 0.5, 0.5};
static const double c[5] = {0.0, 0.5, 2.0 / 3.0, 0.5, 1.0};

static const odeon_tableau tableau = {.struct_size = sizeof tableau,
                                      .flags = ODEON_TABLEAU_FSAL,
                                      .stages = 5,
                                      .order = 3,
                                      .interp_degree = 1,
                                      .interp_order = 1,
                                      .a = a[0],
                                      .b = b,
                                      .c = c,
                                      .interp = b,
                                      .a_im = a_im[0],
                                      .b_im = b_im,
                                      .interp_im = b_im};

ODEON_PLUGIN(TABLEAU, "ars443", &tableau, "Ascher, Ruuth and Spiteri's pair of order 3", NULL);
