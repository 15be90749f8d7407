/* Does not start with the magic word. */
#define HOSTILE_ID    "wrong_magic"
#define HOSTILE_MAGIC 0x12345678u
#include "../common/hostile.h"
