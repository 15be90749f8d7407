/* Holds the same component twice. */
#define HOSTILE_ID "duplicate_id"
#define HOSTILE_TWICE
#include "../common/hostile.h"
