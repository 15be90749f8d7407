/* adjoint: the continuous adjoint, solved backward together with the state:
 *
 *   y' = f,  a' = -a^T df/dy,  theta_bar' = -a^T df/dtheta
 *
 * from the last time to the first. At the last time theta_bar = 0, a = dL/dy, and y is the forward
 * solution. At every earlier output time y is reset to the forward solution and a is increased by
 * the cotangent of that output.
 *
 * With `y = dense` y is not solved for: it is read off the dense output of the forward's steps,
 * which are kept for it, the interpolating adjoint. What is solved backward is then (a, theta_bar).
 *
 * Else memory does not grow with the number of steps. The result approximates the gradient of the
 * exact solution up to the tolerance; it is not the gradient of the computed steps. theta_bar may
 * be left out of the error norm (seminorm). The adjoint of time, t_bar' = -a^T df/dt, is not part
 * of the result, but may be solved so that the error norm equals torchdiffeq's. Source: Chen et
 * al., Neural ODEs, 2018, algorithm 1; Kidger, Chen, Lyons, "Hey, that's not an ODE", 2021. */
#include <stdbool.h>

#include "odeon/gradient.h"
#include "odeon/plugin.h"

enum { Y_INTEGRATE = 0, Y_DENSE = 1 };               /* choices of y */
enum { NORM_BLOCK = 0, NORM_RMS = 1, NORM_MAX = 2 }; /* choices of error_norm */

typedef struct adjoint {
    ODEON_INSTANCE;
    int64_t norm, count_time, y, error_norm;
    const odeon_config *integrator;
    double rtol, atol;          /* 0: the block's */
    int32_t augment, reserved0; /* ODEON_AUGMENT_* */
} adjoint;

static const odeon_option *const options[] = {
    ODEON_OPTION(adjoint, norm, CHOICE, .default_text = "seminorm", .choices = "seminorm|full",
                 .help =
                     "whether the error norm leaves the parameters' adjoint out or counts it too"),
    ODEON_OPTION(
        adjoint, count_time, FLAG, .default_text = "no",
        .help = "integrate the adjoint of t as well and count it in the norm, as torchdiffeq does"),
    ODEON_OPTION(adjoint, y, CHOICE, .default_text = "integrate", .choices = "integrate|dense",
                 .help = "y on the way back: integrated backward together with the adjoint, or "
                         "read off the dense output of the forward's steps, whose memory grows "
                         "with their number"),
    ODEON_OPTION(adjoint, integrator, COMPONENT, .aliases = "method|solver|adjointmethod",
                 .choices = "integrator", .flags = ODEON_OPTION_OPTIONAL,
                 .help = "method of the way back; the block's if not given"),
    ODEON_OPTION(adjoint, rtol, F64, .aliases = "tol|reltol|adjointrtol", .min_text = "0",
                 .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN,
                 .help = "error allowed in an adaptive step of the way back, relative to the "
                         "state; the block's if not given"),
    ODEON_OPTION(adjoint, atol, F64, .aliases = "tol|abstol|adjointatol", .min_text = "0",
                 .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN,
                 .help = "the same, whatever the state; the block's if not given"),
    ODEON_OPTION(adjoint, error_norm, CHOICE, .default_text = "block", .choices = "block|rms|max",
                 .help = "norm of the scaled error on the way back; block: the block's own"),
    NULL};

static odeon_status init(void *self)
{
    adjoint *method = self;
    method->augment |= method->norm != 0 ? ODEON_AUGMENT_FULL : 0;
    method->augment |= method->count_time != 0 ? ODEON_AUGMENT_TIME : 0;
    return ODEON_OK;
}

static bool changes_control(const adjoint *method)
{
    return method->rtol > 0.0 || method->atol > 0.0 || method->error_norm != NORM_BLOCK;
}

static void change_control(const adjoint *method, odeon_control *control)
{
    if (method->rtol > 0.0 || method->atol > 0.0) {
        control->n_each = 0;
    }
    control->rtol = method->rtol > 0.0 ? method->rtol : control->rtol;
    control->atol = method->atol > 0.0 ? method->atol : control->atol;
    if (method->error_norm != NORM_BLOCK) {
        control->norm = method->error_norm == NORM_MAX ? ODEON_NORM_MAX : ODEON_NORM_RMS;
    }
}

/* Tolerances and norms are of adaptive steps alone: elsewhere they would be without effect. */
static odeon_status plan(void *self, odeon_gradient_plan *plan)
{
    const adjoint *method = self;
    if (method->y == Y_DENSE) {
        plan->flags &= ~(uint32_t)ODEON_GRADIENT_NEEDS_Y;
        plan->flags |= ODEON_GRADIENT_NEEDS_DENSE;
    }
    plan->integrator = method->integrator;
    if (plan->control != NULL) {
        change_control(method, plan->control);
    } else if (changes_control(method)) {
        return odeon_fail(method->host, ODEON_ERR_CONFIG,
                          "adjoint: rtol, atol and error_norm are of adaptive steps, but the "
                          "block's are given: leave them out");
    }
    return ODEON_OK;
}

/* Keeps no steps unless y is read within them: only y at the output times, which the caller stores.
 */
static odeon_status forward(void *self, const odeon_solve_call *call)
{
    const adjoint *method = self;
    const odeon_gradient_solve solve = {.struct_size = sizeof solve,
                                        .keep = method->y == Y_DENSE ? ODEON_KEEP_DENSE
                                                                     : ODEON_KEEP_NONE,
                                        .field = call->field,
                                        .times = call->times,
                                        .n_times = call->n_times,
                                        .y = call->y};
    return call->services->solve(call->services->self, &solve);
}

/* ---- backward ---- */

/* The solve of the augmented field under way. */
typedef struct passage {
    const odeon_solve_call *call;
    const odeon_field *field;
    odeon_tensor state, y, a; /* all of it; its parts, y only where it is one */
    bool has_y;
} passage;

/* One part of the augmented state. */
static odeon_tensor part(const odeon_field *field, const odeon_tensor *state, int32_t index)
{
    const odeon_part *p = &field->parts[index];
    odeon_tensor x = *state;
    x.view.byte_offset += (uint64_t)(p->offset * odeon_dtype_bytes(x.view.shape.dtype));
    x.view.shape.dim[0] = p->n;
    return x;
}

/* The host's order of parts is y, a, ..., or a, ... */
static odeon_status begin(const adjoint *method, const odeon_solve_call *call, passage *p)
{
    const odeon_solve_services *services = call->services;
    p->call = call;
    p->has_y = method->y == Y_INTEGRATE;
    ODEON_TRY(services->augment(services->self, call->field, method->augment,
                                p->has_y ? NULL : call->tape, &p->field, &p->state));
    p->y = part(p->field, &p->state, 0);
    p->a = part(p->field, &p->state, p->has_y ? 1 : 0);
    return ODEON_OK;
}

/* y alone of a vector of the field that is differentiated: behind it may stand integrals along the
 * path, which augment counts in by itself. */
static odeon_view y_of(const odeon_solve_call *call, const odeon_view *x)
{
    odeon_view y = *x;
    y.shape.dim[0] = call->field->parts[0].n;
    return y;
}

/* Solves the augmented system from output time i back to i - 1. y is reset to the forward solution,
 * which stops its backward error from growing over intervals; drift records how far it had moved
 * from y[i - 1]. */
static odeon_status cross_interval(const passage *p, int32_t i)
{
    const odeon_solve_call *call = p->call;
    const odeon_solve_services *services = call->services;
    const double interval[2] = {call->times[i], call->times[i - 1]};
    const odeon_tensor both[2] = {p->state, p->state};
    const odeon_gradient_solve solve = {
        .struct_size = sizeof solve, .field = p->field, .times = interval, .n_times = 2, .y = both};
    odeon_view d_end = y_of(call, &call->d_y[i]);
    if (d_end.data != NULL) {
        ODEON_TRY(services->add(services->self, &d_end, &p->a));
    }
    if (!p->has_y) {
        return services->solve(services->self, &solve);
    }
    odeon_view end = y_of(call, &call->y[i].view), start = y_of(call, &call->y[i - 1].view);
    ODEON_TRY(services->copy(services->self, &end, &p->y));
    ODEON_TRY(services->solve(services->self, &solve));
    return services->drift(services->self, &p->y.view, &start);
}

/* y [n_times] and cotangents d_y [n_times] (data NULL: zero) -> d_y0; adds theta_bar to the
 * parameters' gradients. */
static odeon_status backward(void *self, const odeon_solve_call *call)
{
    const odeon_solve_services *services = call->services;
    passage p;
    ODEON_TRY(begin(self, call, &p));
    for (int32_t i = call->n_times - 1; i > 0; i--) {
        ODEON_TRY(cross_interval(&p, i));
    }
    odeon_tensor d_y0 = {y_of(call, &call->d_y0->view)};
    odeon_view d_first = y_of(call, &call->d_y[0]);
    ODEON_TRY(services->add_theta(services->self, p.field, &p.state.view));
    ODEON_TRY(services->copy(services->self, &p.a.view, &d_y0));
    return d_first.data == NULL ? ODEON_OK : services->add(services->self, &d_first, &d_y0);
}

static const odeon_gradient_ops ops = {.struct_size = sizeof ops,
                                       .flags = ODEON_GRADIENT_NEEDS_Y,
                                       .forward = forward,
                                       .backward = backward,
                                       .plan = plan};

ODEON_PLUGIN_OPTIONS(
    GRADIENT, "adjoint", &ops,
    "continuous adjoint solved backward; memory does not grow with the steps",
    "Chen et al., Neural Ordinary Differential Equations, 2018, algorithm 1",
    "backsolve|backsolveadjoint|interpolatingadjoint|continuous|continuousadjoint|odeintadjoint|"
    "optimizethendiscretize|optimisethendiscretise",
    adjoint, options, init, NULL);
