#include "step_control_body.h"
