/* adams_bashforth: y1 = y + h sum over j < order of beta_j f(t - j h, y(t - j h)) for equal steps;
 * past derivatives are carried from step to step. The first order - 1 steps use the classic
 * Runge-Kutta method, whose local error h^5 does not reduce the order. Source: Hairer, Norsett,
 * Wanner, Solving ODEs I, 2nd ed., III.1, eqs. 1.4, 1.5. */
#include "odeon/plugin.h"
#include "odeon/stepper.h"

enum { MAX_ORDER = 5 };

/* Row p - 1 holds the coefficients of order p, newest derivative first. Source: the same, eq.
 * 1.5. */
static const double beta[MAX_ORDER][MAX_ORDER] = {
    {1.0},
    {3.0 / 2.0, -1.0 / 2.0},
    {23.0 / 12.0, -16.0 / 12.0, 5.0 / 12.0},
    {55.0 / 24.0, -59.0 / 24.0, 37.0 / 24.0, -9.0 / 24.0},
    {1901.0 / 720.0, -2774.0 / 720.0, 2616.0 / 720.0, -1274.0 / 720.0, 251.0 / 720.0},
};

enum { /* work registers: derivatives K, and the states Y where they are evaluated */
       K1 = ODEON_WORK,
       Y2,
       K2,
       Y3,
       K3,
       Y4,
       K4,
       WORK_END
};

typedef struct adams {
    ODEON_INSTANCE;
    int64_t order;
} adams;

static const odeon_option *const options[] = {
    ODEON_OPTION(adams, order, I64, .aliases = "steps|k", .default_text = "4", .min_text = "1",
                 .max_text = "5",
                 .help = "order of the method; it keeps order - 1 past derivatives"),
    NULL};

/* Equal steps only, as the coefficients assume them. Order 1 is Euler's method and needs no
 * start-up stages. */
static odeon_status describe(void *self, odeon_stepper_info *out)
{
    const adams *method = self;
    *out = (odeon_stepper_info){
        .struct_size = sizeof *out,
        .flags = ODEON_STEPPER_FIXED_H,
        .order = (int32_t)method->order,
        .n_carry = (int32_t)method->order - 1,
        .n_work = method->order > 1 ? WORK_END - ODEON_WORK : 1,
        .n_startup = (int32_t)method->order - 1,
    };
    return ODEON_OK;
}

/* Completes a classic Runge-Kutta step (II.1, table 1.2) whose first derivative K1 is given. */
static odeon_status start_step(const odeon_step *s)
{
    const odeon_addend y2[] = {{1.0, ODEON_ONE, ODEON_Y0}, {0.5, ODEON_H, K1}};
    const odeon_addend y3[] = {{1.0, ODEON_ONE, ODEON_Y0}, {0.5, ODEON_H, K2}};
    const odeon_addend y4[] = {{1.0, ODEON_ONE, ODEON_Y0}, {1.0, ODEON_H, K3}};
    const odeon_addend y1[] = {{1.0, ODEON_ONE, ODEON_Y0},
                               {1.0 / 6.0, ODEON_H, K1},
                               {1.0 / 3.0, ODEON_H, K2},
                               {1.0 / 3.0, ODEON_H, K3},
                               {1.0 / 6.0, ODEON_H, K4}};
    ODEON_TRY(odeon_step_combine(s, Y2, 2, y2));
    ODEON_TRY(odeon_step_eval(s, K2, 0.5, Y2));
    ODEON_TRY(odeon_step_combine(s, Y3, 2, y3));
    ODEON_TRY(odeon_step_eval(s, K3, 0.5, Y3));
    ODEON_TRY(odeon_step_combine(s, Y4, 2, y4));
    ODEON_TRY(odeon_step_eval(s, K4, 1.0, Y4));
    return odeon_step_combine(s, ODEON_Y1, 5, y1);
}

/* The start-up steps too store their first derivative in the carry, so that the multistep formula
 * finds order - 1 of them. */
static odeon_status step(void *self, const odeon_step *s)
{
    const adams *method = self;
    int32_t order = (int32_t)method->order;
    ODEON_TRY(odeon_step_eval(s, K1, 0.0, ODEON_Y0));
    if (s->index < order - 1) {
        ODEON_TRY(start_step(s));
    } else {
        const double *row = beta[order - 1];
        odeon_addend y1[MAX_ORDER + 1] = {{1.0, ODEON_ONE, ODEON_Y0}, {row[0], ODEON_H, K1}};
        for (int32_t j = 1; j < order; j++) {
            y1[j + 1] = (odeon_addend){row[j], ODEON_H, ODEON_CARRY_IN + j - 1};
        }
        ODEON_TRY(odeon_step_combine(s, ODEON_Y1, order + 1, y1));
    }
    /* shift the carry, newest derivative first */
    for (int32_t j = 0; j < order - 1; j++) {
        ODEON_TRY(odeon_step_copy(s, ODEON_CARRY_OUT + j, j == 0 ? K1 : ODEON_CARRY_IN + j - 1));
    }
    return ODEON_OK;
}

static const odeon_stepper_ops ops = {
    .struct_size = sizeof ops, .describe = describe, .step = step};

ODEON_PLUGIN_OPTIONS(STEPPER, "adams_bashforth", &ops,
                     "explicit multistep method: order 1 to 5, one evaluation a step of equal size",
                     "Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., III.1, eqs. 1.4 and 1.5",
                     "ab|ab2|ab3|ab4|ab5|adams|explicitadams|multistep", adams, options, NULL,
                     NULL);
