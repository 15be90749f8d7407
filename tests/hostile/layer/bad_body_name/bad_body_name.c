/* A body of a name that no section can have. */
#include <stddef.h>

static const char *const names[] = {"shortcut", "a way", NULL};

#define HOSTILE_ID         "bad_body_name"
#define HOSTILE_BODY_NAMES names

#include "../common/hostile_layer.h"
