/* cosine: after the warm-up the learning rate falls from its full value to `final` times that along
 * half a period of the cosine: factor = final + (1 - final) (1 + cos(pi x)) / 2, where x goes from
 * 0 at the end of the warm-up to 1 at the end of the run; as
 * torch.optim.lr_scheduler.CosineAnnealingLR, but per step. Source: Loshchilov, Hutter, SGDR:
 * stochastic gradient descent with warm restarts, 2017, eq. 5. */
#include <math.h>

#include "../common/warmup.h"
#include "odeon/plugin.h"

/* epochs 0: the run's. */
typedef struct cosine {
    ODEON_INSTANCE;
    double final, epochs, warmup;
} cosine;

static const double pi = 3.14159265358979323846;

static const odeon_option *const options[] = {
    ODEON_OPTION(cosine, final, F64, .aliases = "etamin|minlr|lrmin|minfactor|finalfactor",
                 .default_text = "0", .min_text = "0", .max_text = "1",
                 .help = "what the learning rate is multiplied with at the end"),
    ODEON_OPTION(cosine, epochs, F64, .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN,
                 .aliases = "tmax|length", .min_text = "0", .unit = "epochs",
                 .help = "when the end is reached, warm-up included; the run's end if not given"),
    WARMUP_OPTION(cosine), NULL};

/* Computed from the position alone, so a resumed run needs no state of the schedule. */
static double factor(void *self, const odeon_position *position)
{
    const cosine *schedule = self;
    double end = schedule->epochs > 0.0 ? schedule->epochs : position->epochs;
    double x = 1.0; /* after the end the factor stays at final */
    double full = warmup_factor(schedule->warmup, position);
    if (position->epoch < schedule->warmup || isnan(full)) {
        return full;
    }
    if (position->epoch < end) {
        x = (position->epoch - schedule->warmup) / (end - schedule->warmup);
    }
    return schedule->final + (1.0 - schedule->final) * 0.5 * (1.0 + cos(pi * x));
}

static void remark(void *self, const odeon_position *position, char *text, uint64_t bytes)
{
    const cosine *schedule = self;
    warmup_remark(schedule->warmup, position, text, bytes);
}

static const odeon_schedule_ops ops = {
    .struct_size = sizeof ops, .factor = factor, .remark = remark};

ODEON_PLUGIN_OPTIONS(
    SCHEDULE, "cosine", &ops, "a learning rate that falls as half a cosine",
    "Loshchilov, Hutter, SGDR: stochastic gradient descent with warm restarts, 2017",
    "cosineannealing|cosineannealinglr|cosinedecay|coslr", cosine, options, NULL, NULL);
