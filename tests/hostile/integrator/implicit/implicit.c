/* A fully implicit method: the first stage reads the second, as in the Radau method of order 3. */
#define HOSTILE_ID  "implicit"
#define HOSTILE_OPS &tableau
#include "odeon/tableau.h"

static const double a[] = {5.0 / 12.0, -1.0 / 12.0, 0.75, 0.25}, b[] = {0.75, 0.25};
static const double c[] = {1.0 / 3.0, 1.0};
static const odeon_tableau tableau = {
    .struct_size = sizeof tableau, .stages = 2, .order = 3, .a = a, .b = b, .c = c};

#include "../common/hostile.h"
