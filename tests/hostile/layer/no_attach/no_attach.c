/* A container that never sees its body. */
#define HOSTILE_ID     "no_attach"
#define HOSTILE_ATTACH NULL

#include "../common/hostile_layer.h"
