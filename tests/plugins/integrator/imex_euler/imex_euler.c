/* imex_euler: Euler's two methods as a pair, of which two slopes are never read. For tests. Source:
 * Ascher, Ruuth, Spiteri, Appl. Numer. Math. 25, 1997, section 2.1. */
#include "odeon/plugin.h"
#include "odeon/tableau.h"

static const double a[] = {0.0, 0.0, 1.0, 0.0}, a_im[] = {0.0, 0.0, 0.0, 1.0};
static const double b[] = {1.0, 0.0}, b_im[] = {0.0, 1.0}, c[] = {0.0, 1.0};
static const odeon_tableau tableau = {.struct_size = sizeof tableau,
                                      .stages = 2,
                                      .order = 1,
                                      .a = a,
                                      .b = b,
                                      .c = c,
                                      .a_im = a_im,
                                      .b_im = b_im};

ODEON_PLUGIN(TABLEAU, "imex_euler", &tableau, "Euler's explicit and implicit method as a pair",
             NULL);
