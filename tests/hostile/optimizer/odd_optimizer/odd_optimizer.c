/* A flag that has no meaning. */
#define HOSTILE_ID        "odd_optimizer"
#define HOSTILE_KIND      ODEON_KIND_OPTIMIZER
#define HOSTILE_KIND_NAME "optimizer"
#define HOSTILE_FLAGS     (1 << 9)

#include "../../loss/common/hostile_optimizer.h"
