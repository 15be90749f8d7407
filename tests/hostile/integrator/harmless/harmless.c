/* Nothing is wrong with it. */
#define HOSTILE_ID "harmless"
#include "../common/hostile.h"
