/* line_search.h: a step length t along d by which loss and slope meet the strong Wolfe conditions,
 *   f(t) <= f(0) + 1e-4 t f'(0)   and   |f'(t)| <= 0.9 |f'(0)|,
 * with the decisions of torch.optim.LBFGS under line_search_fn = strong_wolfe.
 * Source: Nocedal, Wright, Numerical Optimization, 2nd ed., algorithms 3.5 and 3.6; its
 * interpolation is that of minFunc (Schmidt, 2005). */
#ifndef ODEON_OPTIMIZER_LBFGS_LINE_SEARCH_H
#define ODEON_OPTIMIZER_LBFGS_LINE_SEARCH_H
#include "odeon/optimizer.h"

/* A point on the line: loss, slope along d, and the gradient, where it is kept. */
typedef struct line_point {
    double t, f, slope;
    const odeon_tensor *g;
} line_point;

typedef struct line_search {
    const odeon_minimize *call;
    const odeon_tensor *x, *d;        /* where t is 0, and the direction; neither changes */
    const odeon_tensor *spare[2];     /* for gradients */
    line_point start;                 /* t = 0; its gradient is not where eval writes */
    double t, tolerance;              /* first trial; of a bracket's length in the parameters */
    int64_t most, evaluations, tried; /* most after the first; evaluations counts all */
} line_search;

/* The point where the search ends: the lowest that it has seen, t = 0 where nothing was lower. What
 * param and grad are is then undefined. A loss that is not finite is higher than any. */
odeon_status line_search_run(line_search *s, line_point *out);

#endif
