/* device_reverse.h: the exact reverse of a solve that the device carried out alone and kept rows
 * of: from the last row to the first, the step is loaded and made again, into frames, and reversed;
 * cotangents pass from step to step in fixed vectors, where a recording finds them. */
#ifndef ODEON_CORE_SOLVER_DEVICE_REVERSE_H
#define ODEON_CORE_SOLVER_DEVICE_REVERSE_H
#include "solver/state.h"

/* Of the device.kept rows that the last solve left. task.d_y has the cotangents of its outputs;
 * d_y0 [n]: that of its start. */
odeon_status device_reverse(solver *s, const odeon_tensor *d_y0);

#endif
