/* An integrator that stands among the layers. */
#define HOSTILE_ID "wrong_kind"
#include "../../integrator/common/hostile.h"
