/* A reserved field is not 0. */
#define HOSTILE_ID       "reserved_set"
#define HOSTILE_RESERVED 1
#include "../common/hostile.h"
