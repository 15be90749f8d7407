/* linear: the factor goes from one number to another along a straight line, and stays there; as
 * torch.optim.lr_scheduler.LinearLR. */
#include <math.h>
#include <stdio.h>

#include "odeon/plugin.h"
#include "odeon/schedule.h"

/* epochs and steps 0: the run's length. */
typedef struct linear {
    ODEON_INSTANCE;
    double from, to, epochs, delay;
    int64_t steps;
} linear;

static const odeon_option *const options[] = {
    ODEON_OPTION(linear, from, F64, .aliases = "startfactor|begin|start|initial",
                 .default_text = "0", .min_text = "0", .help = "the factor of the first step"),
    ODEON_OPTION(linear, to, F64, .aliases = "endfactor|end|final", .default_text = "1",
                 .min_text = "0", .help = "the factor at the end, and from there on"),
    ODEON_OPTION(linear, epochs, F64, .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN,
                 .aliases = "over|length|duration", .min_text = "0", .unit = "epochs",
                 .help = "from the first to the last factor; the run's end if neither this nor "
                         "steps is given"),
    ODEON_OPTION(linear, steps, I64, .flags = ODEON_OPTION_OPTIONAL,
                 .aliases = "totaliters|iterations|nsteps", .min_text = "1", .unit = "steps",
                 .replaces = "epochs", .help = "the same in optimizer steps"),
    ODEON_OPTION(linear, delay, F64, .aliases = "after|wait|offset", .default_text = "0",
                 .min_text = "0", .unit = "epochs", .help = "before it begins to change"),
    NULL};

/* In steps, from the delay's end to where the factor stays. */
static double length_of(const linear *schedule, const odeon_position *at)
{
    double an_epoch = (double)at->steps_an_epoch;
    if (schedule->steps > 0) {
        return (double)schedule->steps;
    }
    return (schedule->epochs > 0.0 ? schedule->epochs : at->epochs - schedule->delay) * an_epoch;
}

/* Computed from the position alone, so a resumed run needs no state of the schedule. */
static double factor(void *self, const odeon_position *at)
{
    const linear *schedule = self;
    if (ODEON_MUST_UNDERSTAND(at->flags, 0) != 0) {
        return (double)NAN;
    }
    double gone = (at->epoch - schedule->delay) * (double)at->steps_an_epoch;
    double length = length_of(schedule, at), x = gone < length ? fmax(gone, 0.0) / length : 1.0;
    return (1.0 - x) * schedule->from + x * schedule->to;
}

static void remark(void *self, const odeon_position *last, char *text, uint64_t bytes)
{
    const linear *schedule = self;
    double epochs = schedule->epochs > 0.0 ? schedule->epochs + schedule->delay : 0.0;
    if (epochs > last->epochs) {
        (void)snprintf(text, bytes,
                       "its %g epochs are more than the run has, %g: it does not reach "
                       "its last factor",
                       epochs, last->epochs);
    } else if (schedule->steps > 0 && last->steps > 0 && schedule->steps > last->steps) {
        (void)snprintf(text, bytes,
                       "its %lld steps are more than the run has, %lld: it does not "
                       "reach its last factor",
                       (long long)schedule->steps, (long long)last->steps);
    } else if (schedule->delay >= last->epochs) {
        (void)snprintf(text, bytes,
                       "the run of %g epochs ends before it begins to change, after %g",
                       last->epochs, schedule->delay);
    }
}

static const odeon_schedule_ops ops = {
    .struct_size = sizeof ops, .factor = factor, .remark = remark};

ODEON_PLUGIN_OPTIONS(SCHEDULE, "linear", &ops, "a factor that goes along a straight line", NULL,
                     "linearlr|ramp|anneal|linearwarmup", linear, options, NULL, NULL);
