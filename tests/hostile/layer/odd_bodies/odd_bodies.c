/* Sections below it that nobody knows the meaning of. */
#define HOSTILE_ID     "odd_bodies"
#define HOSTILE_BODIES 7

#include "../common/hostile_layer.h"
