/* control.h: presets of step control, by the names of the systems whose steps they take. */
#ifndef ODEON_LAYER_ODE_CONTROL_H
#define ODEON_LAYER_ODE_CONTROL_H
#include "odeon/container.h"

enum { CONTROL_TORCHDIFFEQ = 0, CONTROL_SCIML = 1, CONTROL_REPLAY = 2 };
#define CONTROL_CHOICES "torchdiffeq|sciml|replay(path)"

/* Fills in all but tolerances, norm and end of the solve. Exponents are per order. */
void control_preset(int64_t choice, odeon_control *out);

/* ODEON_END_* as that system does it. */
int32_t control_end(int64_t choice);

#endif
