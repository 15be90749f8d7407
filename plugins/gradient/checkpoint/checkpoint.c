/* checkpoint: the exact gradient of the accepted steps, as of direct and with its bits, in less
 * memory: the solve keeps the states that every so many steps start from, and backward makes the
 * steps of one stretch after the other again, last to first, keeps what their reverse needs, and
 * reverses them. It costs one more evaluation of every stage; memory is that of steps / every
 * states and of `every` steps, least where both are alike. Source: Griewank, Walther, Evaluating
 * Derivatives, 2nd ed., 2008, section 12.1. */
#include "odeon/gradient.h"
#include "odeon/plugin.h"

typedef struct checkpoint {
    ODEON_INSTANCE;
    int64_t every;
} checkpoint;

static const odeon_option *const options[] = {
    ODEON_OPTION(checkpoint, every, I64, .aliases = "interval|stride", .min_text = "1",
                 .flags = ODEON_OPTION_OPTIONAL, .unit = "steps",
                 .help = "steps from one kept state to the next; chosen so that the states take "
                         "about as much memory as the steps between two of them if not given"),
    NULL};

static odeon_status forward(void *self, const odeon_solve_call *call)
{
    const odeon_gradient_solve solve = {.struct_size = sizeof solve,
                                        .keep = ODEON_KEEP_STATES,
                                        .field = call->field,
                                        .times = call->times,
                                        .n_times = call->n_times,
                                        .y = call->y,
                                        .keep_every = ((const checkpoint *)self)->every};
    return call->services->solve(call->services->self, &solve);
}

/* Steps [first, last); the host carries the cotangents on to the stretch before. */
static odeon_status reverse_stretch(const odeon_solve_call *call, int64_t first, int64_t last)
{
    const odeon_solve_services *services = call->services;
    const odeon_gradient_reverse stretch = {.struct_size = sizeof stretch,
                                            .tape = call->tape,
                                            .first = first,
                                            .last = last,
                                            .d_y = call->d_y,
                                            .d_start = first == 0 ? call->d_y0 : NULL};
    ODEON_TRY(services->replay(services->self, call->tape, first, last));
    return services->reverse(services->self, &stretch);
}

/* The last stretch may be shorter than the others. */
static odeon_status backward(void *self, const odeon_solve_call *call)
{
    (void)self;
    odeon_tape_info info = {.struct_size = sizeof info};
    ODEON_TRY(call->services->tape_info(call->services->self, call->tape, &info));
    for (int64_t last = info.n_steps; last > 0;) {
        int64_t first = (last - 1) / info.keep_every * info.keep_every;
        ODEON_TRY(reverse_stretch(call, first, last));
        last = first;
    }
    return ODEON_OK;
}

static const odeon_gradient_ops ops = {.struct_size = sizeof ops,
                                       .flags = ODEON_GRADIENT_DISCRETE,
                                       .forward = forward,
                                       .backward = backward};

ODEON_PLUGIN_OPTIONS(GRADIENT, "checkpoint", &ops,
                     "exact gradient of the steps taken, made a second time: less memory than "
                     "direct, one more forward",
                     "Griewank, Walther, Evaluating Derivatives, 2nd ed., 2008, section 12.1",
                     "checkpointing|checkpointed|recursivecheckpoint|recursivecheckpointadjoint|"
                     "remat|rematerialize",
                     checkpoint, options, NULL, NULL);
