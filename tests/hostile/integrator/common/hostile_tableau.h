/* hostile_tableau.h: the plugin of an explicit method of two stages: Heun's, with Euler's embedded
 * and dense output of order 2. A source that wants one number about it wrong defines it before
 * including this. */
#ifndef ODEON_TESTS_HOSTILE_TABLEAU_H
#define ODEON_TESTS_HOSTILE_TABLEAU_H
#include "odeon/tableau.h"

#ifndef HOSTILE_ORDER
#define HOSTILE_ORDER 2
#endif
#ifndef HOSTILE_C
#define HOSTILE_C 1.0
#endif
#ifndef HOSTILE_B
#define HOSTILE_B 0.5
#endif
#ifndef HOSTILE_B_HAT
#define HOSTILE_B_HAT 1.0
#endif
#ifndef HOSTILE_B_HAT_ORDER
#define HOSTILE_B_HAT_ORDER 1
#endif
#ifndef HOSTILE_INTERP /* of the first stage: x - x^2 / 2; of the second: x^2 / 2 */
#define HOSTILE_INTERP 1.0, -0.5, 0.0, 0.5
#endif
#ifndef HOSTILE_INTERP_ORDER
#define HOSTILE_INTERP_ORDER 2
#endif
#ifndef HOSTILE_TABLEAU_FLAGS
#define HOSTILE_TABLEAU_FLAGS 0
#endif

static const double method_a[] = {0.0, 0.0, 1.0, 0.0};
static const double method_b[] = {HOSTILE_B, 0.5};
static const double method_b_hat[] = {HOSTILE_B_HAT, 0.0};
static const double method_c[] = {0.0, HOSTILE_C};
static const double method_interp[] = {HOSTILE_INTERP};
static const odeon_tableau tableau = {.struct_size = sizeof tableau,
                                      .flags = HOSTILE_TABLEAU_FLAGS,
                                      .stages = 2,
                                      .order = HOSTILE_ORDER,
                                      .embedded_order = HOSTILE_B_HAT_ORDER,
                                      .interp_degree = 2,
                                      .interp_order = HOSTILE_INTERP_ORDER,
                                      .a = method_a,
                                      .b = method_b,
                                      .b_hat = method_b_hat,
                                      .c = method_c,
                                      .interp = method_interp};
#define HOSTILE_OPS &tableau

#include "hostile.h"
#endif
