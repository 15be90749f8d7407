/* The damped cubic spiral y' = A^T y^3, A = [[-0.1, 2], [-2, -0.1]], from y(0) = (2, 0).
 * Source: torchdiffeq, examples/ode_demo.py. */
#include <math.h>
#include <string.h>

#include "trajectories.h"

static const double largest_step = 1e-4;

/* dy = A^T y^3, element-wise cube. */
static void slope(const double y[2], double dy[2])
{
    double a = y[0] * y[0] * y[0], b = y[1] * y[1] * y[1];
    dy[0] = -0.1 * a - 2.0 * b;
    dy[1] = 2.0 * a - 0.1 * b;
}

static void at(const double y[2], double h, const double k[2], double out[2])
{
    out[0] = y[0] + h * k[0];
    out[1] = y[1] + h * k[1];
}

/* One step of the classic Runge-Kutta method. Own code, since a data set must not depend on the
 * solver that is trained on it. */
static void step(double y[2], double h)
{
    double k1[2], k2[2], k3[2], k4[2], x[2];
    slope(y, k1);
    at(y, h / 2.0, k1, x);
    slope(x, k2);
    at(y, h / 2.0, k2, x);
    slope(x, k3);
    at(y, h, k3, x);
    slope(x, k4);
    for (int i = 0; i < 2; i++) {
        y[i] += h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
    }
}

/* y [n,2] at n >= 2 equally spaced times from 0 to until <= 1000; accurate to 1e-10 up
 * to t = 25 (classic Runge-Kutta method with steps of at most 1e-4). The step divides the interval
 * of observations, so that every observation falls on a step. */
static void spiral(int64_t n, double until, double *y)
{
    double now[2] = {2.0, 0.0}, interval = until / (double)(n - 1);
    int64_t steps = (int64_t)ceil(interval / largest_step);
    for (int64_t i = 0; i < n; i++) {
        y[2 * i] = now[0];
        y[2 * i + 1] = now[1];
        for (int64_t k = 0; k < steps; k++) {
            step(now, interval / (double)steps);
        }
    }
}

odeon_status spiral_add(trajectories *set)
{
    const odeon_host *host = set->host;
    int64_t n = set->points;
    double end = set->until, *row = NULL;
    double *y = host->alloc(host, (uint64_t)n * 2 * sizeof *y);
    odeon_status status =
        y != NULL ? series_add_rows(host, set->plan.name, n, 3, &set->series, &row)
                  : odeon_fail(host, ODEON_ERR_NOMEM,
                               "trajectories: no memory for %lld observations", (long long)n);
    if (status == ODEON_OK) {
        spiral(n, end, y);
    }
    for (int64_t i = 0; i < n && status == ODEON_OK; i++) {
        row[3 * i] = end * (double)i / (double)(n - 1);
        memcpy(&row[3 * i + 1], &y[2 * i], 2 * sizeof *y);
    }
    host->free(host, y);
    return status;
}
