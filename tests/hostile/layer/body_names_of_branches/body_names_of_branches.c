/* A right-hand side with a body of its own name. */
#include <stddef.h>

static const char *const names[] = {"events", NULL};

#define HOSTILE_ID         "body_names_of_branches"
#define HOSTILE_BODIES     ODEON_BODIES_BRANCHES
#define HOSTILE_BODY_NAMES names

#include "../common/hostile_layer.h"
