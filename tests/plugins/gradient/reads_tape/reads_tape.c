/* reads_tape: direct in two stretches, with a look at all that a tape tells: sizes of steps that
 * join, states, dense output that goes through them. A tape that contradicts itself fails. */
#include <math.h>

#include "odeon/gradient.h"
#include "odeon/plugin.h"

typedef struct reads_tape {
    ODEON_INSTANCE;
    int64_t replays;
} reads_tape;

static const odeon_option *const options[] = {
    ODEON_OPTION(reads_tape, replays, FLAG, .default_text = "no",
                 .help = "keep states and make the second stretch again"),
    NULL};

static odeon_status plan(void *self, odeon_gradient_plan *plan)
{
    (void)self;
    plan->flags |= ODEON_GRADIENT_NEEDS_DENSE;
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_solve_call *call)
{
    const reads_tape *method = self;
    uint32_t kept = method->replays != 0 ? ODEON_KEEP_STATES : ODEON_KEEP_FRAMES;
    const odeon_gradient_solve solve = {.struct_size = sizeof solve,
                                        .keep = kept | ODEON_KEEP_DENSE,
                                        .field = call->field,
                                        .times = call->times,
                                        .n_times = call->n_times,
                                        .y = call->y,
                                        .keep_every = 1};
    return call->services->solve(call->services->self, &solve);
}

/* Steps join, and the first begins at the start. */
static odeon_status check_sizes(const reads_tape *method, const odeon_solve_call *call,
                                int64_t n_steps)
{
    const odeon_solve_services *services = call->services;
    double t = call->times[0], end = call->times[call->n_times - 1];
    for (int64_t i = 0; i < n_steps; i++) {
        odeon_tape_step step = {.struct_size = sizeof step};
        ODEON_TRY(services->tape_step(services->self, call->tape, i, &step));
        if (fabs(step.t - t) > 1e-12 || step.h == 0.0 ||
            (step.y.data == NULL) != (method->replays == 0)) {
            return odeon_fail(method->host, ODEON_ERR_INTERNAL, "step %lld begins at %g, not at %g",
                              (long long)i, step.t, t);
        }
        t = step.t + step.h;
    }
    return fabs(t - end) <= 1e-12
               ? ODEON_OK
               : odeon_fail(method->host, ODEON_ERR_INTERNAL, "the last step ends at %g", t);
}

/* Dense output at a step's start is the state there. d_y0 is free to hold the difference. */
static odeon_status check_dense(const odeon_solve_call *call, int64_t n_steps)
{
    const odeon_solve_services *services = call->services;
    for (int64_t i = 0; i < n_steps; i++) {
        odeon_tape_step step = {.struct_size = sizeof step};
        ODEON_TRY(services->tape_step(services->self, call->tape, i, &step));
        ODEON_TRY(services->dense(services->self, call->tape, step.t, call->d_y0));
        if (step.y.data != NULL) {
            ODEON_TRY(services->drift(services->self, &call->d_y0->view, &step.y));
        }
    }
    return ODEON_OK;
}

/* The cotangent between the stretches goes through the method's hands. */
static odeon_status backward(void *self, const odeon_solve_call *call)
{
    const reads_tape *method = self;
    const odeon_solve_services *services = call->services;
    odeon_tape_info info = {.struct_size = sizeof info};
    ODEON_TRY(services->tape_info(services->self, call->tape, &info));
    ODEON_TRY(check_sizes(method, call, info.n_steps));
    ODEON_TRY(check_dense(call, info.n_steps));
    int64_t middle = info.n_steps / 2;
    odeon_gradient_reverse part = {.struct_size = sizeof part,
                                   .tape = call->tape,
                                   .first = middle,
                                   .last = info.n_steps,
                                   .d_y = call->d_y,
                                   .d_start = call->d_y0};
    if (method->replays != 0) {
        ODEON_TRY(services->replay(services->self, call->tape, middle, info.n_steps));
    }
    ODEON_TRY(services->reverse(services->self, &part));
    if (middle == 0) {
        return ODEON_OK;
    }
    part.first = 0;
    part.last = middle;
    part.d_end = &call->d_y0->view;
    if (method->replays != 0) {
        ODEON_TRY(services->replay(services->self, call->tape, 0, middle));
    }
    return services->reverse(services->self, &part);
}

static const odeon_gradient_ops ops = {.struct_size = sizeof ops,
                                       .flags = ODEON_GRADIENT_DISCRETE,
                                       .forward = forward,
                                       .backward = backward,
                                       .plan = plan};

ODEON_PLUGIN_OPTIONS(GRADIENT, "reads_tape", &ops, "direct, with all that a tape tells read",
                     "made for tests", NULL, reads_tape, options, NULL, NULL);
