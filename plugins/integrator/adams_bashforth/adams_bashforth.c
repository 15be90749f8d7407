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

enum { /* work handles: derivatives K, and the states Y where they are evaluated */
       K1 = ODEON_HANDLE_WORK,
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
        .n_work = method->order > 1 ? WORK_END - ODEON_HANDLE_WORK : 1,
    };
    return ODEON_OK;
}

/* Terms of a linear combination: x, and factor h x. */
static odeon_term as_it_is(int32_t x)
{
    return (odeon_term){.alpha = 1.0, .x = x};
}

static odeon_term times_h(double factor, int32_t x)
{
    return (odeon_term){.beta = factor, .x = x};
}

/* Completes a classic Runge-Kutta step (II.1, table 1.2) whose first derivative K1 is given. */
static odeon_status start_step(const odeon_step *s)
{
    const odeon_term y2[] = {as_it_is(ODEON_HANDLE_Y0), times_h(0.5, K1)};
    ODEON_TRY(s->combine(s->self, Y2, 2, y2));
    ODEON_TRY(s->eval(s->self, K2, 0.5, Y2));
    const odeon_term y3[] = {as_it_is(ODEON_HANDLE_Y0), times_h(0.5, K2)};
    ODEON_TRY(s->combine(s->self, Y3, 2, y3));
    ODEON_TRY(s->eval(s->self, K3, 0.5, Y3));
    const odeon_term y4[] = {as_it_is(ODEON_HANDLE_Y0), times_h(1.0, K3)};
    ODEON_TRY(s->combine(s->self, Y4, 2, y4));
    ODEON_TRY(s->eval(s->self, K4, 1.0, Y4));
    const odeon_term y1[] = {as_it_is(ODEON_HANDLE_Y0), times_h(1.0 / 6.0, K1),
                             times_h(1.0 / 3.0, K2), times_h(1.0 / 3.0, K3),
                             times_h(1.0 / 6.0, K4)};
    return s->combine(s->self, ODEON_HANDLE_Y1, 5, y1);
}

/* The start-up steps too store their first derivative in the carry, so that the multistep formula
 * finds order - 1 of them. */
static odeon_status step(void *self, const odeon_step *s)
{
    const adams *method = self;
    int32_t order = (int32_t)method->order;
    ODEON_TRY(s->eval(s->self, K1, 0.0, ODEON_HANDLE_Y0));
    if (s->index < order - 1) {
        ODEON_TRY(start_step(s));
    } else {
        const double *row = beta[order - 1];
        odeon_term y1[MAX_ORDER + 1] = {as_it_is(ODEON_HANDLE_Y0), times_h(row[0], K1)};
        for (int32_t j = 1; j < order; j++) {
            y1[j + 1] = times_h(row[j], ODEON_HANDLE_CARRY_IN + j - 1);
        }
        ODEON_TRY(s->combine(s->self, ODEON_HANDLE_Y1, order + 1, y1));
    }
    /* shift the carry, newest derivative first */
    for (int32_t j = 0; j < order - 1; j++) {
        const odeon_term kept = as_it_is(j == 0 ? K1 : ODEON_HANDLE_CARRY_IN + j - 1);
        ODEON_TRY(s->combine(s->self, ODEON_HANDLE_CARRY_OUT + j, 1, &kept));
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
