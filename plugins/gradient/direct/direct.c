/* direct: backpropagation through the solver: the exact gradient of the accepted steps with
 * their sizes held fixed. Memory grows with the number of steps, as each keeps what its reverse
 * needs. Source: Hager, Runge-Kutta methods in optimal control and the transformed adjoint
 * system, 2000. */
#include "odeon/gradient.h"
#include "odeon/plugin.h"

static odeon_status forward(void *self, const odeon_solve_call *call)
{
    (void)self;
    const odeon_solve_services *services = call->services;
    return services->solve(services->self, call->field, call->n_times, call->times,
                           ODEON_KEEP_FRAMES, call->y);
}

/* The host reverses the stored steps; y and times are not needed, since the frames hold them. */
static odeon_status backward(void *self, const odeon_solve_call *call)
{
    (void)self;
    return call->services->reverse(call->services->self, call->field, call->d_y, call->d_y0);
}

static const odeon_gradient_ops ops = {.struct_size = sizeof ops,
                                       .flags = ODEON_GRADIENT_DISCRETE,
                                       .forward = forward,
                                       .backward = backward};

ODEON_PLUGIN_WITH(GRADIENT, "direct", &ops,
                  "exact gradient of the steps taken; memory grows with their number",
                  "Hager, Numerische Mathematik 87 (2000), section 2",
                  "backprop|backpropagation|autograd|autodiff|bptt|discrete|discretizethenoptimize|"
                  "discretisethenoptimise");
