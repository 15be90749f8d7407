/* Built with other draft headers, as the note says: nothing of it may run. */
#define HOSTILE_ID "other_layout"
#define HOSTILE_NOTE_LAYOUTS                                                                       \
    "00000000.00000000.00000000.00000000.00000000.00000000.00000000.00000000.00000000"
#include "../common/hostile.h"
