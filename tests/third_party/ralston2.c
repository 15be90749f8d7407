/* ralston2.c: the explicit method of two stages and order 2 with the least bound on its error. */
#define ODEON_PLUGIN_VERSION "1.0"
#define ODEON_PLUGIN_VENDOR  "somebody else"
#define ODEON_PLUGIN_LICENSE "MIT"
#include "odeon/odeon.h"

static const double a[] = {0.0, 0.0, 2.0 / 3.0, 0.0};
static const double b[] = {0.25, 0.75};
static const double c[] = {0.0, 2.0 / 3.0};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau, .stages = 2, .order = 2, .a = a, .b = b, .c = c};

ODEON_PLUGIN(TABLEAU, "ralston2", &tableau, "Ralston's method: order 2, two evaluations a step",
             "Ralston, Runge-Kutta methods with minimum error bounds, Math. Comp. 16, 1962");
