#include "ode/counters.h"

#include <inttypes.h>
#include <stdio.h>

void counters_add_spread(ode_counters *all, const ode_counters *x)
{
    bool first = all->samples == 0;
    if (x->samples == 0) {
        return; /* an empty slice, or a batch that came to nothing */
    }
    all->per_sample = x->per_sample;
    all->samples += x->samples;
    all->steps_min = first || x->steps_min < all->steps_min ? x->steps_min : all->steps_min;
    all->steps_max = first || x->steps_max > all->steps_max ? x->steps_max : all->steps_max;
}

double counters_steps_mean(const ode_counters *x)
{
    return x->samples > 0 ? (double)x->accepted / (double)x->samples : 0.0;
}

const char *counters_spread_text(const ode_counters *x, char *text, size_t bytes)
{
    text[0] = '\0';
    if (x->per_sample && x->samples > 0) {
        (void)snprintf(text, bytes, ", accepted of a sample %" PRId64 " to %" PRId64 ", mean %.4g",
                       x->steps_min, x->steps_max, counters_steps_mean(x));
    }
    return text;
}
