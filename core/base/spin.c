#include "base/spin.h"

#include <sched.h>

#include "base/clock.h"

/* What it costs to sleep and be woken by another thread, in a virtual machine whose idle processor
 * is given away meanwhile: 50 to 100 microseconds. Whoever waits for as long before it sleeps waits
 * at most twice as long as the better of the two. */
static const double most_seconds = 100e-6;

/* Now and then the processor is offered to whoever else wants it, such as the thread that is waited
 * for: so that the wait is short also where threads are more than processors. */
bool spin_on(spin *x)
{
    enum { TURNS = 64 };
    if (++x->turns % TURNS != 0) {
        return true;
    }
    (void)sched_yield();
    double now = clock_seconds();
    x->began = x->turns == TURNS ? now : x->began;
    return now - x->began < most_seconds;
}
