/* watch.h: what a solve looks out for beside its end (event.h). */
#ifndef ODEON_CORE_SOLVER_WATCH_H
#define ODEON_CORE_SOLVER_WATCH_H
#include <stdbool.h>

#include "odeon/status.h"
#include "odeon/tensor.h"

/* The first crossing of zero by g(t, y), seen where g has another sign at the end of a step than at
 * its start: two crossings within one step, or a touch, are not seen. */
typedef struct solve_watch {
    /* NaN is not refused here. */
    odeon_status (*value)(void *self, double t, const odeon_view *y, double *g);
    void *self;
    int32_t direction; /* 1: upward, -1: downward, 0: either */
    int32_t reserved0;
    double before; /* g at the start of the step under way, of which the sign counts; 0: on no side,
                      so that the first step cannot cross */
    /* Room for as many times and vectors as the solve has; at a crossing they become its own: those
     * before it, then its time and `end`, which y is written to. */
    double *times;
    odeon_tensor *y;
    odeon_tensor end;
    int32_t n_times; /* of these, after a crossing */
    bool hit;
} solve_watch;

#endif
