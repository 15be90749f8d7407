/* A kernel that wants other layers. */
#define HOSTILE_ID "kernel_bodies@cpu"
#include "../common/hostile_layer.h"
