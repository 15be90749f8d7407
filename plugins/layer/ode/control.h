/* control.h: presets of step control, by the names of the systems whose steps they take. */
#ifndef ODEON_LAYER_ODE_CONTROL_H
#define ODEON_LAYER_ODE_CONTROL_H
#include "odeon/container.h"

enum {
    CONTROL_PI = 0,
    CONTROL_TORCHDIFFEQ = 1,
    CONTROL_SCIML = 2,
    CONTROL_SCIML_LIKE = 3,
    CONTROL_DIFFRAX = 4,
    CONTROL_TORCHODE = 5,
    CONTROL_REPLAY = 6
};
#define CONTROL_CHOICES "pi|torchdiffeq|sciml|sciml_like|diffrax|torchode|replay(path)"

/* Fills in all but tolerances, norm and limits of the step. Exponents are per order. pid: the
 * coefficients P, I, D of a system that has them. */
void control_preset(int64_t choice, const double *pid, odeon_control *out);

/* Has that system coefficients P, I, D? */
int control_has_pid(int64_t choice);

/* ODEON_END_* as that system does it. */
int32_t control_end(int64_t choice);

/* The first step that it takes where none is given; 0: chosen automatically. */
double control_first_step(int64_t choice);

/* By what name methods give hints for it. */
const char *control_hints_name(int64_t choice);

#endif
