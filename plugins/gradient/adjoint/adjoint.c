/* adjoint: the continuous adjoint, solved backward together with the state:
 *
 *   y' = f,  a' = -a^T df/dy,  theta_bar' = -a^T df/dtheta
 *
 * from the last time to the first. At the last time theta_bar = 0, a = dL/dy, and y is the forward
 * solution. At every earlier output time y is reset to the forward solution and a is increased by
 * the cotangent of that output.
 *
 * Memory does not grow with the number of steps. The result approximates the gradient of the exact
 * solution up to the tolerance; it is not the gradient of the computed steps. theta_bar may be left
 * out of the error norm (seminorm). The adjoint of time, t_bar' = -a^T df/dt, is not part of the
 * result, but may be solved so that the error norm equals torchdiffeq's. Source: Chen et al.,
 * Neural ODEs, 2018, algorithm 1; Kidger, Chen, Lyons, "Hey, that's not an ODE", 2021. */
#include "odeon/gradient.h"
#include "odeon/plugin.h"

/* Parts of the augmented state, in the host's order. */
enum { PART_Y = 0, PART_ADJOINT = 1 };

typedef struct adjoint {
    ODEON_INSTANCE;
    int64_t norm, count_time;
    int32_t augment, reserved0; /* ODEON_AUGMENT_* */
} adjoint;

static const odeon_option *const options[] = {
    ODEON_OPTION(adjoint, norm, CHOICE, .default_text = "seminorm", .choices = "seminorm|full",
                 .help =
                     "whether the error norm leaves the parameters' adjoint out or counts it too"),
    ODEON_OPTION(
        adjoint, count_time, FLAG, .default_text = "no",
        .help = "integrate the adjoint of t as well and count it in the norm, as torchdiffeq does"),
    NULL};

static odeon_status init(void *self)
{
    adjoint *method = self;
    method->augment |= method->norm != 0 ? ODEON_AUGMENT_FULL : 0;
    method->augment |= method->count_time != 0 ? ODEON_AUGMENT_TIME : 0;
    return ODEON_OK;
}

/* Keeps no steps: only y at the output times, which the caller stores. */
static odeon_status forward(void *self, const odeon_solve_call *call)
{
    (void)self;
    const odeon_solve_services *services = call->services;
    return services->solve(services->self, call->field, call->n_times, call->times, ODEON_KEEP_NONE,
                           call->y);
}

/* One part of the augmented state. */
static odeon_tensor part(const odeon_field *field, const odeon_tensor *state, int32_t index)
{
    const odeon_part *p = &field->parts[index];
    odeon_tensor x = *state;
    x.view.byte_offset += (uint64_t)(p->offset * odeon_dtype_bytes(x.view.shape.dtype));
    x.view.shape.dim[0] = p->n;
    return x;
}

/* Solves the augmented system from output time i back to i - 1. y is reset to the forward solution,
 * which stops its backward error from growing over intervals; drift records how far it had moved
 * from y[i - 1]. */
static odeon_status cross_interval(const odeon_solve_call *call, const odeon_field *augmented,
                                   const odeon_tensor *state, int32_t i)
{
    const odeon_solve_services *services = call->services;
    odeon_tensor now = part(augmented, state, PART_Y), a = part(augmented, state, PART_ADJOINT);
    const double interval[2] = {call->times[i], call->times[i - 1]};
    const odeon_tensor both[2] = {*state, *state};
    if (call->d_y[i].data != NULL) {
        ODEON_TRY(services->add(services->self, &call->d_y[i], &a));
    }
    ODEON_TRY(services->copy(services->self, &call->y[i].view, &now));
    ODEON_TRY(services->solve(services->self, augmented, 2, interval, ODEON_KEEP_NONE, both));
    return services->drift(services->self, &now.view, &call->y[i - 1].view);
}

/* y [n_times] and cotangents d_y [n_times] (data NULL: zero) -> d_y0; adds theta_bar to the
 * parameters' gradients. */
static odeon_status backward(void *self, const odeon_solve_call *call)
{
    const adjoint *method = self;
    const odeon_solve_services *services = call->services;
    const odeon_field *augmented;
    odeon_tensor state;
    ODEON_TRY(services->augment(services->self, call->field, method->augment, &augmented, &state));
    for (int32_t i = call->n_times - 1; i > 0; i--) {
        ODEON_TRY(cross_interval(call, augmented, &state, i));
    }
    ODEON_TRY(services->add_theta(services->self, augmented, &state.view));
    odeon_tensor a = part(augmented, &state, PART_ADJOINT);
    ODEON_TRY(services->copy(services->self, &a.view, call->d_y0));
    return call->d_y[0].data == NULL ? ODEON_OK
                                     : services->add(services->self, &call->d_y[0], call->d_y0);
}

static const odeon_gradient_ops ops = {.struct_size = sizeof ops,
                                       .flags = ODEON_GRADIENT_NEEDS_Y,
                                       .forward = forward,
                                       .backward = backward};

ODEON_PLUGIN_OPTIONS(GRADIENT, "adjoint", &ops,
                     "continuous adjoint solved backward; memory does not grow with the steps",
                     "Chen et al., Neural Ordinary Differential Equations, 2018, algorithm 1",
                     "backsolve|backsolveadjoint|continuous|continuousadjoint|odeintadjoint|"
                     "optimizethendiscretize|optimisethendiscretise",
                     adjoint, options, init, NULL);
