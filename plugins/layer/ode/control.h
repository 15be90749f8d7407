/* control.h: presets of step-size control, named after the systems whose steps they reproduce. */
#ifndef ODEON_LAYER_ODE_CONTROL_H
#define ODEON_LAYER_ODE_CONTROL_H
#include "odeon/container.h"
#include "odeon/device_solver.h"

/* Indices of the choices below. */
enum {
    CONTROL_AUTO = 0,
    CONTROL_PI = 1,
    CONTROL_PREDICTIVE = 2,
    CONTROL_TORCHDIFFEQ = 3,
    CONTROL_SCIML = 4,
    CONTROL_SCIML_LIKE = 5,
    CONTROL_DIFFRAX = 6,
    CONTROL_TORCHODE = 7,
    CONTROL_REPLAY = 8
};
#define CONTROL_CHOICES                                                                            \
    "auto|pi|predictive|torchdiffeq|sciml|sciml_like|diffrax|torchode|replay(path)"

/* Fills in all of *out except tolerances, norm and step limits. Exponents are for order 1 and are
 * divided by the method's order later. pid: the coefficients P, I, D of systems that have them. */
void control_preset(int64_t choice, const double *pid, odeon_control *out);

/* Does the system have coefficients P, I, D? */
int control_has_pid(int64_t choice);

/* How the system ends a solve: ODEON_END_*. */
int32_t control_end(int64_t choice);

/* The system's fixed first step if none is configured; 0: chosen automatically. */
double control_first_step(int64_t choice);

/* The name under which integrators give hints for the system; NULL: none. */
const char *control_hints_name(int64_t choice);

#endif
