/* bs3_c.c: the pair of Bogacki and Shampine, orders 3 and 2. In the same folder the same stands in
 * other languages; all of them give the same bits. */
#define ODEON_PLUGIN_LICENSE "MIT"
#include "odeon/odeon.h"

static const double a[4][4] = {{0.0}, {0.5}, {0.0, 0.75}, {2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0}};
static const double b[4] = {2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0, 0.0};
static const double b_hat[4] = {7.0 / 24.0, 0.25, 1.0 / 3.0, 0.125};
static const double c[4] = {0.0, 0.5, 0.75, 1.0};

static const odeon_tableau tableau = {.struct_size = sizeof tableau,
                                      .flags = ODEON_TABLEAU_FSAL,
                                      .stages = 4,
                                      .order = 3,
                                      .embedded_order = 2,
                                      .a = a[0],
                                      .b = b,
                                      .c = c,
                                      .b_hat = b_hat};

ODEON_PLUGIN(TABLEAU, "bs3_c", &tableau, "orders 3 and 2, in C", "Bogacki, Shampine, 1989");
