/* parameters.h: a session's parameters, running state included: what they are, and their numbers.
 */
#ifndef ODEON_CORE_SESSION_PARAMETERS_H
#define ODEON_CORE_SESSION_PARAMETERS_H
#include <stddef.h>

#include "odeon/status.h"
#include "odeon/tensor.h"
#include "session/handle.h"

typedef struct session_parameter {
    const char *path;   /* "ode.block.weight" */
    int32_t ndim, role; /* ODEON_PARAM_* of layer.h */
    int64_t dim[ODEON_MAX_DIMS];
    int64_t count;
} session_parameter;

size_t session_parameters(const session *s); /* tensors */
session_parameter session_parameter_at(const session *s, size_t index);
/* Values, and gradients of the last session_differentiate, as double; out has room for count. */
odeon_status session_parameter_get(session *s, size_t index, double *out);
odeon_status session_parameter_set(session *s, size_t index, const double *values);
odeon_status session_gradient_get(session *s, size_t index, double *out);

#endif
