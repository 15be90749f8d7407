/* slope.h: how far a gradient is from the loss that it belongs to, by one batch on the device
 * `dual` (odeon/device_dual.h). With tangents v in the parameters the loss has a tangent, which is
 * its exact derivative along v, steps of adaptive solves being held; the gradient g, as the model's
 * gradient methods make it, gives <g, v>. Their difference is the method's error along v, without
 * that of finite differences. */
#ifndef ODEON_CORE_SESSION_SLOPE_H
#define ODEON_CORE_SESSION_SLOPE_H
#include <stdint.h>

#include "odeon/status.h"
#include "session/handle.h"

typedef struct session_slope {
    double of_loss, of_gradient;
} session_slope;

/* Gives the weights and biases a direction of length 1 as their tangents: random, from seed, paths
 * and number alone; numbers count from 0. What sets a parameter takes its tangents away.
 * ODEON_ERR_UNSUPPORTED on another device. */
odeon_status session_seed_slope(session *s, uint64_t number);
/* After session_differentiate: both slopes along the direction of that number. */
odeon_status session_read_slope(session *s, uint64_t number, session_slope *out);

#endif
