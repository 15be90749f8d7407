// bs3_cpp.cpp: the method of bs3_c.c in C++20, whose designated initializers name the fields.
#define ODEON_PLUGIN_LICENSE "MIT"
#include "odeon/odeon.h"

namespace {

constexpr double a[4][4] = {{0.0}, {0.5}, {0.0, 0.75}, {2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0}};
constexpr double b[4] = {2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0, 0.0};
constexpr double b_hat[4] = {7.0 / 24.0, 0.25, 1.0 / 3.0, 0.125};
constexpr double c[4] = {0.0, 0.5, 0.75, 1.0};

constexpr odeon_tableau tableau = {.struct_size = sizeof(odeon_tableau),
                                   .flags = ODEON_TABLEAU_FSAL,
                                   .stages = 4,
                                   .order = 3,
                                   .embedded_order = 2,
                                   .a = a[0],
                                   .b = b,
                                   .c = c,
                                   .b_hat = b_hat};

} // namespace

ODEON_PLUGIN(TABLEAU, "bs3_cpp", &tableau, "orders 3 and 2, in C++", "Bogacki, Shampine, 1989");
