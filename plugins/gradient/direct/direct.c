/* direct: backpropagation through the solver: the exact gradient of the accepted steps with
 * their sizes held fixed. Memory grows with the number of steps, as each keeps what its reverse
 * needs. Source: Hager, Runge-Kutta methods in optimal control and the transformed adjoint
 * system, 2000. */
#include "odeon/gradient.h"
#include "odeon/plugin.h"

static odeon_status forward(void *self, const odeon_solve_call *call)
{
    (void)self;
    const odeon_gradient_solve solve = {.struct_size = sizeof solve,
                                        .keep = ODEON_KEEP_FRAMES,
                                        .field = call->field,
                                        .times = call->times,
                                        .n_times = call->n_times,
                                        .y = call->y};
    return call->services->solve(call->services->self, &solve);
}

/* The host reverses the stored steps; y and times are not needed, since the frames hold them. */
static odeon_status backward(void *self, const odeon_solve_call *call)
{
    (void)self;
    const odeon_solve_services *services = call->services;
    odeon_tape_info info = {.struct_size = sizeof info};
    ODEON_TRY(services->tape_info(services->self, call->tape, &info));
    const odeon_gradient_reverse all = {.struct_size = sizeof all,
                                        .tape = call->tape,
                                        .last = info.n_steps,
                                        .d_y = call->d_y,
                                        .d_start = call->d_y0};
    return services->reverse(services->self, &all);
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
