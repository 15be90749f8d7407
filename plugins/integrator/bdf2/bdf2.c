/* bdf2: the backward differentiation formula of order 2 with variable steps, w = h / h_prev,
 * started by a step of the trapezoidal rule: y1 = (1+w)^2/(1+2w) y0 - w^2/(1+2w) y_prev + h
 * (1+w)/(1+2w) f(t+h, y1) Its error is estimated by the difference to a quadratic through y_prev,
 * y0 and f0 (Milne): p = y0 + h (1+w) f0 - w^2 (y0 - y_prev),  error = (y1 - p) (1+w)/(2+3w)
 * Dense output: Hermite's cubic, of order 3.
 * Source: Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., III.5, eq. 5.14; Gresho, Lee, Sani, On
 * the time-dependent solution of the incompressible Navier-Stokes equations, 1980. */
#include "odeon/plugin.h"
#include "odeon/stepper.h"

enum { Y_PREV = ODEON_CARRY_IN, F0, KEEP_Y = ODEON_CARRY_OUT, KEEP_F };
enum { BASE = ODEON_WORK, K, WORK_END };
enum { A0 = ODEON_SCALAR_WORK, A1, G, E0, EF, EP, E, SCALARS_END };

static odeon_status describe(void *self, odeon_stepper_info *out)
{
    (void)self;
    *out = (odeon_stepper_info){.struct_size = sizeof *out,
                                .order = 2,
                                .embedded_order = 2,
                                .n_carry = 2,
                                .n_work = WORK_END - ODEON_WORK,
                                .n_scalars = SCALARS_END - ODEON_SCALAR_WORK,
                                .n_startup = 1,
                                .ratio_max = 2.0};
    return ODEON_OK;
}

static odeon_status start(void *self, const odeon_step *s)
{
    (void)self;
    ODEON_TRY(odeon_step_copy(s, KEEP_Y, ODEON_Y0)); /* no step reads it */
    return odeon_step_eval(s, KEEP_F, 0.0, ODEON_Y0);
}

/* y1 = BASE + g k with k = f(t + h, y1), and what passes on. */
static odeon_status solve(const odeon_step *s, double factor, int32_t g)
{
    ODEON_TRY(odeon_step_implicit(s, K, ODEON_Y1, 1.0, factor, g, BASE, F0));
    ODEON_TRY(odeon_step_copy(s, KEEP_Y, ODEON_Y0));
    return odeon_step_copy(s, KEEP_F, K);
}

/* The error of Euler's step: too large, never too small. */
static odeon_status first_step(const odeon_step *s)
{
    const odeon_addend base[] = {{1.0, ODEON_ONE, ODEON_Y0}, {0.5, ODEON_H, F0}};
    const odeon_addend error[] = {{0.5, ODEON_H, K}, {-0.5, ODEON_H, F0}};
    ODEON_TRY(odeon_step_combine(s, BASE, 2, base));
    ODEON_TRY(solve(s, 0.5, ODEON_H));
    return odeon_step_combine(s, ODEON_ERROR, 2, error);
}

static odeon_status step(void *self, const odeon_step *s)
{
    (void)self;
    if (s->index == 0) {
        return first_step(s);
    }
    const odeon_addend base[] = {{1.0, A0, ODEON_Y0}, {-1.0, A1, Y_PREV}};
    const odeon_addend error[] = {
        {1.0, E, ODEON_Y1}, {1.0, E0, ODEON_Y0}, {-1.0, EF, F0}, {-1.0, EP, Y_PREV}};
    ODEON_TRY(odeon_step_scalar(s, A0, "(1 + w)^2 / (1 + 2*w)"));
    ODEON_TRY(odeon_step_scalar(s, A1, "w^2 / (1 + 2*w)"));
    ODEON_TRY(odeon_step_scalar(s, G, "h * (1 + w) / (1 + 2*w)"));
    ODEON_TRY(odeon_step_scalar(s, E, "(1 + w) / (2 + 3*w)"));
    ODEON_TRY(odeon_step_scalar(s, E0, "s6 * (w^2 - 1)"));
    ODEON_TRY(odeon_step_scalar(s, EF, "s6 * h * (1 + w)"));
    ODEON_TRY(odeon_step_scalar(s, EP, "s6 * w^2"));
    ODEON_TRY(odeon_step_combine(s, BASE, 2, base));
    ODEON_TRY(solve(s, 1.0, G));
    return odeon_step_combine(s, ODEON_ERROR, 4, error);
}

/* Hermite's cubic through both ends and their slopes. */
static odeon_status dense(void *self, const odeon_step *s)
{
    enum { TO_Y1 = ODEON_SCALAR_WORK, FROM_Y0, OF_F0, OF_F1 };
    const odeon_addend yx[] = {
        {1.0, FROM_Y0, ODEON_Y0}, {1.0, TO_Y1, ODEON_Y1}, {1.0, OF_F0, F0}, {1.0, OF_F1, KEEP_F}};
    (void)self;
    ODEON_TRY(odeon_step_scalar(s, TO_Y1, "x^2 * (3 - 2*x)"));
    ODEON_TRY(odeon_step_scalar(s, FROM_Y0, "1 - s0"));
    ODEON_TRY(odeon_step_scalar(s, OF_F0, "h * x * (1 - x)^2"));
    ODEON_TRY(odeon_step_scalar(s, OF_F1, "h * x^2 * (x - 1)"));
    return odeon_step_combine(s, ODEON_YX, 4, yx);
}

static const odeon_stepper_ops ops = {
    .struct_size = sizeof ops, .describe = describe, .start = start, .step = step, .dense = dense};

ODEON_PLUGIN_WITH(STEPPER, "bdf2", &ops,
                  "BDF of order 2 with variable steps, L-stable, one implicit stage a step",
                  "Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., III.5, eq. 5.14",
                  "bdf|gear2|vsbdf2");
