/* Its id is a path. */
#define HOSTILE_ID "../bad_id_inside"
#include "../common/hostile.h"
