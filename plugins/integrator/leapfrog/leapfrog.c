/* leapfrog: Stormer and Verlet's method in the form kick, drift, kick, for q' = v(p), p' = F(q): a
 * sample's features are q, then p. Symplectic, and reversible: its inverse is the step by -h.
 * Source: Hairer, Lubich, Wanner, Geometric Numerical Integration, 2nd ed., I.1.4, eq. 1.17. */
#include "odeon/plugin.h"
#include "odeon/stepper.h"

enum { Q = 0, P = 1 };
enum { V = ODEON_WORK, F0, M, F1, WORK_END };
#define OF ODEON_PART_OF
static const char *const parts[] = {"q", "p", NULL};

static odeon_status describe(void *self, odeon_stepper_info *out)
{
    (void)self;
    *out = (odeon_stepper_info){
        .struct_size = sizeof *out, .order = 2, .n_work = WORK_END - ODEON_WORK, .parts = parts};
    return ODEON_OK;
}

/* From a state at t + c h to the other end of the step: by h (sign 1) or back (-1). */
static odeon_status kick_drift_kick(const odeon_step *s, double sign, double c, int32_t from,
                                    int32_t to)
{
    const odeon_addend half[] = {{1.0, ODEON_ONE, OF(P, from)}, {0.5 * sign, ODEON_H, OF(P, F0)}};
    const odeon_addend drift[] = {{1.0, ODEON_ONE, OF(Q, from)}, {sign, ODEON_H, OF(Q, V)}};
    const odeon_addend kick[] = {{1.0, ODEON_ONE, OF(P, M)}, {0.5 * sign, ODEON_H, OF(P, F1)}};
    ODEON_TRY(odeon_step_eval(s, OF(P, F0), c, from));
    ODEON_TRY(odeon_step_combine(s, OF(P, M), 2, half));
    ODEON_TRY(odeon_step_eval(s, OF(Q, V), 0.5, M)); /* reads p alone */
    ODEON_TRY(odeon_step_combine(s, OF(Q, to), 2, drift));
    ODEON_TRY(odeon_step_eval(s, OF(P, F1), 1.0 - c, to)); /* reads q alone */
    return odeon_step_combine(s, OF(P, to), 2, kick);
}

static odeon_status step(void *self, const odeon_step *s)
{
    (void)self;
    return kick_drift_kick(s, 1.0, 0.0, ODEON_Y0, ODEON_Y1);
}

static odeon_status inverse(void *self, const odeon_step *s)
{
    (void)self;
    return kick_drift_kick(s, -1.0, 1.0, ODEON_Y1, ODEON_Y0);
}

static const odeon_stepper_ops ops = {
    .struct_size = sizeof ops, .describe = describe, .step = step, .inverse = inverse};

ODEON_PLUGIN_WITH(STEPPER, "leapfrog", &ops,
                  "Stormer-Verlet for q' = v(p), p' = F(q): order 2, symplectic, reversible",
                  "Hairer, Lubich, Wanner, Geometric Numerical Integration, 2nd ed., I.1.4",
                  "verlet|stormerverlet|velocityverlet");
