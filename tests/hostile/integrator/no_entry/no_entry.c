/* Has the note, but not what it promises. */
#include "odeon/odeon.h"

ODEON_PLUGIN_NOTE("integrator/no_entry:tableau");
