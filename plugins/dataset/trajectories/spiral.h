/* spiral.h: the damped cubic spiral y' = A^T y^3, A = [[-0.1, 2], [-2, -0.1]], from y(0) = (2, 0).
 * Source: torchdiffeq, examples/ode_demo.py. */
#ifndef ODEON_DATASET_TRAJECTORIES_SPIRAL_H
#define ODEON_DATASET_TRAJECTORIES_SPIRAL_H
#include <stdint.h>

#define SPIRAL_MAX_TIME 1000.0

/* y [n,2] at n >= 2 equally spaced times from 0 to until <= SPIRAL_MAX_TIME; accurate to 1e-10 up
 * to t = 25 (classic Runge-Kutta method with steps of at most 1e-4). */
void spiral(int64_t n, double until, double *y);

#endif
