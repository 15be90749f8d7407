/* Linked for fast mathematics: its start-up code flushes subnormal numbers to zero. */
#define HOSTILE_ID "fast_math"
#include "../common/hostile.h"
