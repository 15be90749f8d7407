/* Its note says less than its root. */
#define HOSTILE_ID         "lying_note"
#define HOSTILE_ROOT_MAJOR 2
#include "../common/hostile.h"
