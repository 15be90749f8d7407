/* sbdf2: the semi-implicit BDF of order 2 with variable steps, w = h / h_prev, for y' = f + g with
 * a stiff term f: BDF2 for f, and g extrapolated from the last two steps, so that each step solves
 * one equation of f and evaluates g once:
 *   y1 = (1+w)^2/(1+2w) y0 - w^2/(1+2w) y_prev
 *        + h (1+w)/(1+2w) ((1+w) g0 - w g_prev + f(t+h, y1))
 * The first step is the semi-implicit Euler's. The error is estimated as bdf2's, by the difference
 * to a quadratic through y_prev, y0 and the slope there.
 * Source: Ascher, Ruuth, Wetton, Implicit-explicit methods for time-dependent PDEs, SIAM J. Numer.
 * Anal. 32, 1995, eq. 21; Wang, Ruuth, Variable step-size implicit-explicit linear multistep
 * methods for time-dependent PDEs, J. Comput. Math. 26, 2008, eq. 2.7. */
#include "odeon/plugin.h"
#include "odeon/stepper.h"

enum { Y_PREV = ODEON_CARRY_IN, G_PREV, F0, G0 };
enum { KEEP_Y = ODEON_CARRY_OUT, KEEP_G, KEEP_F, KEEP_G1, CARRY_END };
enum { BASE = ODEON_WORK, WORK_END };
enum { A0 = ODEON_SCALAR_WORK, A1, H_NEW, B0, B1, E, E0, ES, EP, SCALARS_END };

static odeon_status describe(void *self, odeon_stepper_info *out)
{
    (void)self;
    *out = (odeon_stepper_info){.struct_size = sizeof *out,
                                .flags = ODEON_STEPPER_SPLIT,
                                .order = 2,
                                .embedded_order = 2,
                                .n_carry = CARRY_END - ODEON_CARRY_OUT,
                                .n_work = WORK_END - ODEON_WORK,
                                .n_scalars = SCALARS_END - ODEON_SCALAR_WORK,
                                .n_startup = 1,
                                .ratio_max = 1.5};
    return ODEON_OK;
}

/* What a first step does not read is filled all the same. */
static odeon_status start(void *self, const odeon_step *s)
{
    (void)self;
    ODEON_TRY(odeon_step_copy(s, KEEP_Y, ODEON_Y0));
    ODEON_TRY(odeon_step_eval_terms(s, KEEP_G1, ODEON_TERMS_OTHER, 0.0, ODEON_Y0));
    ODEON_TRY(odeon_step_copy(s, KEEP_G, KEEP_G1));
    return odeon_step_eval_terms(s, KEEP_F, ODEON_TERMS_STIFF, 0.0, ODEON_Y0);
}

/* y1 = BASE + size f(t + h, y1), and what passes on. */
static odeon_status solve(const odeon_step *s, int32_t size)
{
    ODEON_TRY(odeon_step_implicit(s, KEEP_F, ODEON_Y1, 1.0, 1.0, size, BASE, F0));
    ODEON_TRY(odeon_step_copy(s, KEEP_Y, ODEON_Y0));
    ODEON_TRY(odeon_step_copy(s, KEEP_G, G0));
    return odeon_step_eval_terms(s, KEEP_G1, ODEON_TERMS_OTHER, 1.0, ODEON_Y1);
}

/* Its error, h^2 y'' / 2 to first order, is half of h times the change of slope. */
static odeon_status first_step(const odeon_step *s)
{
    const odeon_addend base[] = {{1.0, ODEON_ONE, ODEON_Y0}, {1.0, ODEON_H, G0}};
    const odeon_addend error[] = {
        {0.5, ODEON_H, KEEP_F}, {0.5, ODEON_H, KEEP_G1}, {-0.5, ODEON_H, F0}, {-0.5, ODEON_H, G0}};
    ODEON_TRY(odeon_step_combine(s, BASE, 2, base));
    ODEON_TRY(solve(s, ODEON_H));
    return odeon_step_combine(s, ODEON_ERROR, 4, error);
}

static odeon_status step(void *self, const odeon_step *s)
{
    (void)self;
    if (s->index == 0) {
        return first_step(s);
    }
    const odeon_addend base[] = {
        {1.0, A0, ODEON_Y0}, {-1.0, A1, Y_PREV}, {1.0, B0, G0}, {-1.0, B1, G_PREV}};
    const odeon_addend error[] = {{1.0, E, ODEON_Y1},
                                  {1.0, E0, ODEON_Y0},
                                  {-1.0, ES, F0},
                                  {-1.0, ES, G0},
                                  {-1.0, EP, Y_PREV}};
    ODEON_TRY(odeon_step_scalar(s, A0, "(1 + w)^2 / (1 + 2*w)"));
    ODEON_TRY(odeon_step_scalar(s, A1, "w^2 / (1 + 2*w)"));
    ODEON_TRY(odeon_step_scalar(s, H_NEW, "h * (1 + w) / (1 + 2*w)"));
    ODEON_TRY(odeon_step_scalar(s, B0, "s2 * (1 + w)"));
    ODEON_TRY(odeon_step_scalar(s, B1, "s2 * w"));
    ODEON_TRY(odeon_step_scalar(s, E, "(1 + w) / (2 + 3*w)"));
    ODEON_TRY(odeon_step_scalar(s, E0, "s5 * (w^2 - 1)"));
    ODEON_TRY(odeon_step_scalar(s, ES, "s5 * h * (1 + w)"));
    ODEON_TRY(odeon_step_scalar(s, EP, "s5 * w^2"));
    ODEON_TRY(odeon_step_combine(s, BASE, 4, base));
    ODEON_TRY(solve(s, H_NEW));
    return odeon_step_combine(s, ODEON_ERROR, 5, error);
}

static const odeon_stepper_ops ops = {
    .struct_size = sizeof ops, .describe = describe, .start = start, .step = step};

ODEON_PLUGIN_WITH(STEPPER, "sbdf2", &ops,
                  "semi-implicit BDF of order 2 with variable steps for fields with a stiff term: "
                  "the stiff term implicit, the rest extrapolated",
                  "Ascher, Ruuth, Wetton, SIAM J. Numer. Anal. 32, 1995",
                  "imexbdf2|semiimplicitbdf2|vsimsbdf2");
