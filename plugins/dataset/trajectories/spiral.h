/* spiral.h: the damped cubic spiral y' = A^T y^3, A = [[-0.1, 2], [-2, -0.1]], from y(0) = (2, 0).
 * Source: torchdiffeq, examples/ode_demo.py. */
#ifndef ODEON_DATASET_TRAJECTORIES_SPIRAL_H
#define ODEON_DATASET_TRAJECTORIES_SPIRAL_H
#include "trajectories.h"

#define SPIRAL_MAX_TIME 1000.0

/* Adds the series of the options points and until. */
odeon_status spiral_add(trajectories *set);

#endif
