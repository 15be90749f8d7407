#include "ode/backward.h"

#include <math.h>

#include "base/diag.h"
#include "base/mem.h"
#include "plugin/calling.h"
#include "plugin/words.h"
#include "solver/control_hints.h"

/* Of a stiff problem y goes backward in time as fast away from the solution as it came to it
 * forward: a gradient that solves y backward, and not the reverse of the steps, fails there. */
static odeon_status check_stiff(const odeon_ode *ode)
{
    if (!ode->stepper->implicit || (ode->gradient_flags & ODEON_GRADIENT_DISCRETE) != 0) {
        return ODEON_OK;
    }
    return diag_fail(ODEON_ERR_CONFIG,
                     "%s: gradient %s solves backward in time, which is unstable for the stiff "
                     "problems that integrator %s is for: give gradient = direct",
                     ode->path, ode->gradient->component->id,
                     ode->stepper->instance->component->id);
}

/* Dense output keeps slopes to the end of a step, and costs some methods evaluations: the block's
 * integrator is made without it unless somebody reads it. */
static odeon_status need_dense(odeon_ode *ode, const odeon_ode_spec *spec)
{
    if ((ode->gradient_flags & ODEON_GRADIENT_NEEDS_DENSE) != 0 && !ode->stepper->dense) {
        stepper_destroy(ode->stepper);
        ode->stepper = NULL;
        ODEON_TRY(stepper_create(spec->integrator, ode->path, DENSE_IF_OFFERED, &ode->stepper));
    }
    return (ode->gradient_flags & ODEON_GRADIENT_NEEDS_DENSE) == 0 || ode->stepper->dense
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "%s: gradient %s reads y between steps, but integrator %s has no dense "
                           "output",
                           ode->path, ode->gradient->component->id,
                           ode->stepper->instance->component->id);
}

/* What a method may have set is checked, since the controller relies on it. Written so that NaN
 * fails. */
static odeon_status check_control(const odeon_ode *ode)
{
    const odeon_control *c = &ode->backward_control;
    ODEON_TRY(words_check(ode->gradient, "plan", c, words_of_control));
    bool limits = c->h_min >= 0.0 && c->h_min < c->h_max;
    return c->rtol > 0.0 && c->atol > 0.0 && isfinite(c->rtol) && isfinite(c->atol) && limits
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "%s: gradient %s: rtol and atol of its solve must be above 0, and h_min "
                           "below h_max",
                           ode->path, ode->gradient->component->id);
}

/* A method without the slot has the flags of its table. */
static odeon_status call_plan(odeon_ode *ode, const odeon_config **integrator)
{
    const odeon_gradient_ops *ops = ode->gradient_ops;
    bool adaptive = ode->spec.mode == ODEON_STEPS_ADAPTIVE;
    odeon_gradient_plan plan = {.struct_size = sizeof plan,
                                .flags = (uint32_t)ops->flags,
                                .control = adaptive ? &ode->backward_control : NULL};
    ode->gradient_flags = ops->flags;
    *integrator = NULL;
    if (!ODEON_HAS(ops, odeon_gradient_ops, plan)) {
        return ODEON_OK;
    }
    calling outer = calling_begin(ode->gradient, "plan");
    ODEON_TRY(calling_end(outer, ops->plan(ode->gradient->self, &plan)));
    ODEON_TRY(words_check(ode->gradient, "plan", &plan, words_of_gradient_plan));
    ode->gradient_flags = (int32_t)plan.flags;
    *integrator = plan.integrator;
    return adaptive ? check_control(ode) : ODEON_OK;
}

/* An integrator for augmented fields alone. They have no vjp, which implicit stages are solved by.
 */
static odeon_status make_method(odeon_ode *ode, const odeon_config *integrator)
{
    bool passes = ode->spec.mode == ODEON_STEPS_ADAPTIVE || ode->spec.mode == ODEON_STEPS_REPLAY;
    int32_t dense =
        passes && ode->spec.end == ODEON_END_INTERPOLATE ? DENSE_REQUIRED : DENSE_UNUSED;
    ODEON_TRY(stepper_create(integrator, ode->path, dense, &ode->backward_stepper));
    const stepper *s = ode->backward_stepper;
    bool fixed = s->info.embedded_order == 0 || (s->info.flags & ODEON_STEPPER_FIXED_H) != 0;
    if (s->implicit) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: integrator %s solves equations in its stages, which gradient %s has "
                         "no derivatives for",
                         ode->path, s->instance->component->id, ode->gradient->component->id);
    }
    return ode->spec.mode != ODEON_STEPS_ADAPTIVE || !fixed
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "%s: integrator %s of gradient %s does not choose its steps, but the "
                           "block's are adaptive",
                           ode->path, s->instance->component->id, ode->gradient->component->id);
}

/* What is solved backward is larger than the state, and no method that takes the state apart can
 * know how it divides. */
static odeon_status check_parts(const odeon_ode *ode, const stepper *method)
{
    return method->n_parts == 0 || (ode->gradient_flags & ODEON_GRADIENT_DISCRETE) != 0
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "%s: gradient %s solves a larger state backward in time, which does not "
                           "divide into the parts of integrator %s: give gradient = direct",
                           ode->path, ode->gradient->component->id,
                           method->instance->component->id);
}

/* The copy of spec and control is taken before the block's method changes the exponents: another
 * method has others. */
odeon_status ode_backward_init(odeon_ode *ode, const odeon_ode_spec *spec)
{
    const odeon_config *integrator;
    ode->backward_control = ode->control;
    ODEON_TRY(call_plan(ode, &integrator));
    ODEON_TRY(check_stiff(ode));
    ODEON_TRY(need_dense(ode, spec));
    ode->backward_spec = ode->spec;
    ode->backward_spec.control = &ode->backward_control;
    ODEON_TRY(integrator != NULL ? make_method(ode, integrator) : ODEON_OK);
    stepper *method = integrator != NULL ? ode->backward_stepper : ode->stepper;
    ODEON_TRY(check_parts(ode, method));
    control_hints_apply(method->tableau, method->info.order, &ode->backward_spec,
                        &ode->backward_control);
    stepper_limit_growth(method, &ode->backward_control);
    ode->field.vectors = stepper_slice_vectors(ode->stepper);
    ode->adjoint.vectors = stepper_slice_vectors(method);
    return solver_create(&ode->lane, method, &ode->backward_spec, ode->path, &ode->backward);
}

/* The solver first: its recordings hold addresses of what follows. */
void ode_backward_fini(odeon_ode *ode)
{
    solver_destroy(ode->backward);
    stepper_destroy(ode->backward_stepper);
}
