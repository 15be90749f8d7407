/* The table of an optimizer, said to be a loss. */
#define HOSTILE_ID        "optimizer_table"
#define HOSTILE_KIND      ODEON_KIND_LOSS
#define HOSTILE_KIND_NAME "loss"
#define HOSTILE_FLAGS     ODEON_OPTIMIZER_ELEMENTWISE

#include "../common/hostile_optimizer.h"
